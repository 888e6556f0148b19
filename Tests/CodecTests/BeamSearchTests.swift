import Kernels
import TestSupport
import Testing

@testable import Codec

/// The quantizer's search, on three random codebooks of eight entries.
struct BeamSearchTests {
  private static let (dimension, cardinality, levels) = (4, 8, 3)
  private let entries: [[[Float]]]  // [level][code][dimension]
  private let codebooks: [Codebook]

  init() {
    var noise = Noise(5)
    let (dimension, cardinality) = (Self.dimension, Self.cardinality)
    let entries = (0..<Self.levels).map { level in
      (0..<cardinality).map { _ in noise.floats(dimension).map { $0 / Float(1 << level) } }
    }
    self.entries = entries
    codebooks = entries.map { level in
      Codebook(EntryTable(rows: cardinality, columns: dimension) { level[$0][$1] })
    }
  }

  private func search(_ x: [Float], width: Int) -> [Int32] {
    var plan = MemoryPlan()
    let search = BeamSearch(codebooks, width: width, &plan)
    let block = MemoryBlock(plan)
    search.input(block.view).update(from: x, count: x.count)
    var codes = [Int32](repeating: -1, count: Self.levels)
    search(into: &codes, block.view, Workers(threads: 1))
    return codes
  }

  /// The squared distance of x from the sum of its entries.
  private func error(_ x: [Float], _ codes: [Int32]) -> Float {
    (0..<Self.dimension).reduce(0) { total, i in
      let rest = codes.indices.reduce(x[i]) { $0 - entries[$1][Int(codes[$1])][i] }
      return total + rest * rest
    }
  }

  private var inputs: [[Float]] {
    var noise = Noise(6)
    return (0..<50).map { _ in noise.floats(Self.dimension) }
  }

  @Test("a beam of one takes the nearest entry at every level")
  func greedy() {
    for x in inputs {
      var (rest, expected) = (x, [Int32]())
      for level in entries {
        let far: [Float] = level.map { entry in
          zip(rest, entry).reduce(Float(0)) { (sum, pair) in sum + (pair.0 - pair.1) * (pair.0 - pair.1) }
        }
        let nearest = far.indices.min { far[$0] < far[$1] }!
        expected.append(Int32(nearest))
        rest = zip(rest, level[nearest]).map { $0 - $1 }
      }
      #expect(search(x, width: 1) == expected)
    }
  }

  @Test("a beam of all sums finds the nearest of all 512")
  func exhaustive() {
    let all: [[Int32]] = (0..<512).map { (sum: Int32) in [sum / 64, sum / 8 % 8, sum % 8] }
    for x in inputs {
      let least = all.map { error(x, $0) }.min()!
      #expect(error(x, search(x, width: 64)) <= least + 1e-6)
    }
  }

  @Test("a beam of four leaves less over than a beam of one")
  func narrow() {
    let total = { (width: Int) -> Float in inputs.reduce(0) { $0 + error($1, search($1, width: width)) } }
    #expect(total(4) < 0.9 * total(1))
  }
}
