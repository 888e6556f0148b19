internal import Base
internal import Kernels

/// Times of products with weights in every form, each alternating with a read of the same amount of memory.
package struct KernelTimes {
  private let rows: Int
  private let depth: Int
  private let columns: [Int]
  private let rounds: Int
  private let threads: Int

  /// - Parameters:
  ///   - rows: outputs of the matrix.
  ///   - depth: inputs of the matrix, a multiple of 32.
  ///   - columns: numbers of inputs that one pass over the weights serves; one product is measured for each.
  package init(rows: Int, depth: Int, columns: [Int], rounds: Int, threads: Int) {
    self.rows = rows
    self.depth = depth
    self.columns = columns
    self.rounds = rounds
    self.threads = threads
  }

  /// Bytes that a round reads for every product: more than caches can hold.
  private static let bytesPerRound = 400_000_000

  package struct Product: Encodable {
    package let weights: String
    package let columns: Int
    /// Median time of one product.
    package let milliseconds: Double
    /// Speed at which weights are read, including scales.
    package let gigabytesPerSecond: Double
    package let ofMemory: Double
  }

  package struct Result: Encodable {
    package let instructionSet: String
    package let threads: Int
    package let rows: Int
    package let depth: Int
    package let rounds: Int
    package let memoryGigabytesPerSecond: Double
    package let products: [Product]
  }

  package func measure() -> Result {
    let workers = Workers(threads: threads)
    let probe = MemoryProbe(bytes: Self.bytesPerRound)
    let forms: [(String, Matrix.Format)] = [("q4", .q4), ("q8", .q8), ("bf16", .bfloat), ("f32", .float)]
    let most = columns.max() ?? 1
    let x = (0..<most * depth).map { Float($0 * 7919 % 1000) / 500 - 1 }
    var y = [Float](repeating: 0, count: most * rows)
    var reading: [Double] = []
    var times: [[Double]] = Array(repeating: [], count: forms.count * columns.count)
    // Enough matrices for a round, each with memory of its own.
    let matrices = forms.map { form in
      let one = Matrix(randomOf: rows, depth, form.1)
      let count = max(1, min(Self.bytesPerRound / max(one.bytes, 1), 4096))
      return [one] + (1..<max(count, 2)).prefix(count - 1).map { _ in Matrix(randomOf: rows, depth, form.1) }
    }
    for _ in 0..<rounds {
      reading.append(probe.measure(workers))
      for (form, set) in matrices.enumerated() {
        for (index, count) in columns.enumerated() {
          let begun = MonotonicClock.now
          for matrix in set {
            matrix.multiply(x, xStride: depth, into: &y, yStride: rows, count: count, workers)
          }
          times[form * columns.count + index].append(
            Double(MonotonicClock.now - begun) / Double(set.count) / 1e6)
        }
      }
    }
    let memory = Statistics.median(reading)
    let products = forms.indices.flatMap { form in
      columns.indices.map { index in
        let time = Statistics.median(times[form * columns.count + index])
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
