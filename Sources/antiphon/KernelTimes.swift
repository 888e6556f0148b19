import Foundation
import Base
import Kernels

/// Times of products with weights in every form, in turn with reading the same amount of memory.
struct KernelTimes {
  let rows: Int
  let depth: Int
  let columns: [Int]
  let rounds: Int
  let threads: Int

  /// What a round reads for every product: more than caches hold.
  private static let bytesPerRound = 400_000_000

  struct Product: Encodable {
    let weights: String
    let columns: Int
    /// Median, of one product.
    let milliseconds: Double
    /// Of weights, scales included.
    let gigabytesPerSecond: Double
    let ofMemory: Double
  }

  struct Result: Encodable {
    let instructionSet: String
    let threads: Int
    let rows: Int
    let depth: Int
    let rounds: Int
    let memoryGigabytesPerSecond: Double
    let products: [Product]

    var json: String {
      (try? JSON.text(self, isPretty: true)) ?? ""
    }

    var text: String {
      let head =
        "\(instructionSet), \(threads) threads, \(rows) x \(depth), medians of \(rounds) rounds; memory "
        + "\(Figures.fixed(memoryGigabytesPerSecond, 1)) GB/s"
      let rows = products.map {
        [
          $0.weights, "\($0.columns)", Figures.fixed($0.milliseconds, 3),
          Figures.fixed($0.gigabytesPerSecond, 1),
          Figures.fixed(100 * $0.ofMemory, 0) + " %",
        ]
      }
      return head + "\n" + Figures.table([["weights", "columns", "ms", "GB/s", "of memory"]] + rows)
    }
  }

  func measure() -> Result {
    let workers = Workers(threads: threads)
    let probe = MemoryProbe(bytes: Self.bytesPerRound)
    let forms: [(String, Matrix.Format)] = [("q4", .q4), ("q8", .q8), ("bf16", .bfloat), ("f32", .float)]
    let most = columns.max() ?? 1
    let x = (0..<most * depth).map { Float($0 * 7919 % 1000) / 500 - 1 }
    var y = [Float](repeating: 0, count: most * rows)
    var reading: [Double] = []
    var times: [[Double]] = Array(repeating: [], count: forms.count * columns.count)
    // As many matrices as make up a round, each with memory of its own.
    let matrices = forms.map { form in
      let one = Matrix(randomOf: rows, depth, form.1)
      let count = max(1, min(Self.bytesPerRound / max(one.bytes, 1), 4096))
      return [one] + (1..<max(count, 2)).prefix(count - 1).map { _ in Matrix(randomOf: rows, depth, form.1) }
    }
    for _ in 0..<rounds {
      reading.append(probe.measure(workers))
      for (form, set) in matrices.enumerated() {
        for (index, count) in columns.enumerated() {
          let begun = MemoryProbe.now()
          for matrix in set {
            matrix.multiply(x, xStride: depth, into: &y, yStride: rows, count: count, workers)
          }
          times[form * columns.count + index].append(
            Double(MemoryProbe.now() - begun) / Double(set.count) / 1e6)
        }
      }
    }
    let memory = Figures.median(reading)
    let products = forms.indices.flatMap { form in
      columns.indices.map { index in
        let time = Figures.median(times[form * columns.count + index])
        let speed = Double(matrices[form][0].bytes) / time / 1e6
        return Product(
          weights: forms[form].0, columns: columns[index], milliseconds: time, gigabytesPerSecond: speed,
          ofMemory: speed / memory)
      }
    }
    return Result(
      instructionSet: Kernels.name, threads: workers.count, rows: rows, depth: depth, rounds: rounds,
      memoryGigabytesPerSecond: memory, products: products)
  }
}
