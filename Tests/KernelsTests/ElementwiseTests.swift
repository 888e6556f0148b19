import CKernels
import Foundation
import Kernels
import TestSupport
import Testing

/// Functions of one number against the same functions in Double, in every instruction set.
struct ElementwiseTests {
  /// What the approximations promise.
  private enum Budget {
    static let exponential = 2.5e-7  // relative
    static let activation = 3e-7  // of max(1, |x|)
  }

  // Dense near zero, then out to where results leave the range of f32; a length that no register divides.
  private static let inputs: [Float] =
    (-3000...3000).map { Float($0) * 0.004 } + (-861...861).map { Float($0) * 0.1 } + [0, -0.0]

  private static func apply(
    _ function: (UnsafeMutablePointer<Float>?, Int) -> Void, _ inputs: [Float] = inputs
  ) -> [Float] {
    var values = inputs
    values.withUnsafeMutableBufferPointer { function($0.baseAddress, $0.count) }
    return values
  }

  @Test("exp is within its budget", arguments: Tables.names)
  func exponential(table: String) {
    let results = Self.apply(Tables.named(table).exponential)
    let worst = zip(Self.inputs, results).map { abs(Double($1) / exp(Double($0)) - 1) }.max()!
    #expect(worst < Budget.exponential)
  }

  @Test("ELU, GELU and SiLU are within their budgets", arguments: Tables.names)
  func activations(table: String) {
    let table = Tables.named(table)
    func worst(_ results: [Float], _ reference: (Float) -> Float) -> Double {
      zip(Self.inputs, results).map { abs(Double($1) - Double(reference($0))) / Double(max(1, abs($0))) }
        .max()!
    }
    #expect(worst(Self.apply(table.elu), Reference.elu) < Budget.activation)
    #expect(worst(Self.apply(table.gelu), Reference.gelu) < Budget.activation)
    #expect(worst(Self.apply(table.silu), Reference.silu) < Budget.activation)
  }

  @Test(
    "the last few elements are treated as the others are, and nothing behind them is touched",
    arguments: Tables.names)
  func tails(table: String) {
    let table = Tables.named(table)
    let inputs = Array(Self.inputs[1400..<1440])
    for function in [table.exponential, table.elu, table.gelu, table.silu] {
      let whole = Self.apply({ function!($0, $1) }, inputs)
      for count in 0...inputs.count {
        let part = Self.apply({ function!($0, $1 - inputs.count + count) }, inputs)
        #expect(part == Array(whole[..<count] + inputs[count...]))
      }
    }
  }

  @Test("numbers at the ends of the range give the limit, not garbage", arguments: Tables.names)
  func extremes(table: String) {
    let table = Tables.named(table)
    let ends: [Float] = [
      -.greatestFiniteMagnitude, -1e38, -1e30, -1000, -100, 1000, 1e30, .greatestFiniteMagnitude,
    ]
    let negative = 5
    let (elu, gelu, silu) = (
      Self.apply(table.elu, ends), Self.apply(table.gelu, ends), Self.apply(table.silu, ends)
    )
    for i in ends.indices {
      let limit = i < negative ? 0 : ends[i]
      #expect(elu[i] == (i < negative ? -1 : ends[i]))
      #expect(abs(gelu[i] - limit) <= 1e-30, "gelu \(ends[i])")
      #expect(abs(silu[i] - limit) <= 1e-30, "silu \(ends[i])")
    }
    let powers = Self.apply(table.exponential, [-.infinity] + ends + [.infinity])
    for (index, power) in powers.enumerated() {
      #expect(index < 6 ? (0...1e-37).contains(power) : 1e38 < power && power.isFinite)
    }
  }

  @Test("what is not a number stays so, and harms no neighbour", arguments: Tables.names)
  func notNumbers(table: String) {
    let table = Tables.named(table)
    for function in [table.exponential, table.elu, table.gelu, table.silu] {
      let clean = Self.apply({ function!($0, $1) }, [Float](repeating: 0.5, count: 37))
      for place in [0, 3, 17, 36] {
        var inputs = [Float](repeating: 0.5, count: 37)
        inputs[place] = .nan
        let results = Self.apply({ function!($0, $1) }, inputs)
        for i in results.indices { #expect(i == place ? results[i].isNaN : results[i] == clean[i]) }
      }
    }
  }

  @Test("SiLU times another vector", arguments: Tables.names)
  func gate(table: String) {
    let table = Tables.named(table)
    var noise = Noise(8)
    for count in [1, 7, 16, 33, 70] {
      let (gate, up) = (noise.floats(count).map { $0 * 9 }, noise.floats(count))
      var out = [Float](repeating: 7, count: count + 1)
      table.silu_multiply(gate, up, &out, count)
      #expect(largestDifference(Array(out.dropLast()), zip(gate, up).map { Reference.silu($0) * $1 }) <= 3e-6)
      #expect(out.last == 7)
    }
  }

  @Test("sums and scaled sums", arguments: Tables.names)
  func sums(table: String) {
    let table = Tables.named(table)
    var noise = Noise(9)
    for count in [1, 15, 16, 37] {
      let (x, scale, before) = (noise.floats(count), noise.floats(count), noise.floats(count))
      var (sum, scaled) = (before, before)
      table.add(&sum, x, count)
      table.add_scaled(&scaled, scale, x, count)
      #expect(sum == zip(before, x).map { $0 + $1 })
      #expect(largestDifference(scaled, x.indices.map { before[$0] + scale[$0] * x[$0] }) <= 1e-6)
    }
  }
}
