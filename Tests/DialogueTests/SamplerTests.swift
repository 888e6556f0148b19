import Base
import Kernels
import TestSupport
import Testing

@testable import Dialogue

struct SamplerTests {
  /// Draws tokens from the same logits again and again.
  private static func draw(
    _ count: Int, _ logits: [Float], temperature: Float, topK: Int, seed: UInt64 = 1
  ) -> [Int] {
    var plan = MemoryPlan()
    let sampler = Sampler(cardinality: logits.count, scratch: &plan)
    let scratch = MemoryBlock(plan)
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in
      Int(
        sampler.draw(
          logits, logits.count, Sampling(temperature: temperature, topK: topK), &generator, scratch.view))
    }
  }

  private static func best(_ count: Int, of logits: [Float]) -> Set<Int> {
    Set(logits.indices.sorted { logits[$0] > logits[$1] }.prefix(count))
  }

  @Test("only the k best are ever drawn, and all of them are", arguments: [1, 2, 5, 31, 32])
  func topK(k: Int) {
    var noise = Noise(40)
    for _ in 0..<5 {
      let logits = noise.floats(32)
      #expect(Set(Self.draw(4000, logits, temperature: 1, topK: k)) == Self.best(k, of: logits))
    }
  }

  @Test("of equals at the edge, exactly k can be drawn")
  func ties() {
    let logits: [Float] = [1, 1, 1, 1, 1, 1, 1, 5]
    let drawn = Set(Self.draw(4000, logits, temperature: 1, topK: 4))
    #expect(drawn.count == 4 && drawn.contains(7))
    #expect(Set(Self.draw(4000, [2, 2, 2, 2, 2], temperature: 1, topK: 5)).count == 5)
  }

  @Test("no k, or one above the number of tokens, allows all")
  func all() {
    let logits: [Float] = [0, 0.1, 0.2, 0.3]
    #expect(Set(Self.draw(500, logits, temperature: 1, topK: 0)) == [0, 1, 2, 3])
    #expect(Set(Self.draw(500, logits, temperature: 1, topK: 99)) == [0, 1, 2, 3])
  }

  @Test("no temperature is the first of the best, and uses no randomness", arguments: [0, -1] as [Float])
  func greedy(temperature: Float) {
    #expect(Self.draw(20, [1, 3, 2, 3], temperature: temperature, topK: 2) == Array(repeating: 1, count: 20))
    var plan = MemoryPlan()
    let sampler = Sampler(cardinality: 2, scratch: &plan)
    let scratch = MemoryBlock(plan)
    var generator = SeededGenerator(seed: 5)
    _ = sampler.draw([1, 2], 2, .greedy, &generator, scratch.view)
    var untouched = SeededGenerator(seed: 5)
    #expect(generator.next() == untouched.next())
  }

  @Test(
    "tokens are as frequent as their probabilities say",
    arguments: [(1, 0, 26.1), (0.5, 0, 26.1), (2, 0, 26.1), (1, 4, 16.3)] as [(Float, Int, Double)])
  func frequencies(temperature: Float, topK: Int, limit: Double) {
    let logits: [Float] = [0.3, -1, 1.2, 0, 0.7, -0.4, 1, 0.1, -0.2]
    let draws = 20000
    var counts = [Int](repeating: 0, count: logits.count)
    for token in Self.draw(draws, logits, temperature: temperature, topK: topK, seed: 7) {
      counts[token] += 1
    }
    let kept = topK == 0 ? Set(logits.indices) : Self.best(topK, of: logits)
    let weights = Reference.softmax(logits.map { $0 / temperature })
    let total = kept.reduce(0) { $0 + weights[$1] }
    let square = kept.reduce(0.0) { sum, token in
      let expected = Double(weights[token] / total) * Double(draws)
      return sum + (Double(counts[token]) - expected) * (Double(counts[token]) - expected) / expected
    }
    // One in a thousand seeds would exceed it: chi-square of 8 or 3 degrees of freedom.
    #expect(square < limit)
    #expect(counts.indices.allSatisfy { kept.contains($0) || counts[$0] == 0 })
  }

  @Test("logits that are no numbers still give a token", arguments: [0, 1, 3])
  func notNumbers(topK: Int) {
    for logits in [[.nan, .nan, .nan], [1, .nan, 2], [.infinity, 1, .nan], [-.infinity, -.infinity, 0]]
      as [[Float]]
    {
      #expect(Self.draw(50, logits, temperature: 1, topK: topK).allSatisfy { 0..<3 ~= $0 })
      #expect(Self.draw(2, logits, temperature: 0, topK: topK).allSatisfy { 0..<3 ~= $0 })
    }
  }

  @Test("drawing leaves the logits as they are")
  func logits() {
    var logits: [Float] = [0.5, -1, 2]
    let before = logits
    logits.withUnsafeMutableBufferPointer { buffer in
      var plan = MemoryPlan()
      let sampler = Sampler(cardinality: 3, scratch: &plan)
      let scratch = MemoryBlock(plan)
      var generator = SeededGenerator(seed: 1)
      _ = sampler.draw(
        buffer.baseAddress!, 3, Sampling(temperature: 0.3, topK: 2), &generator, scratch.view)
    }
    #expect(logits == before)
  }

  @Test("the generator is SplitMix64, and its unit numbers stay below one")
  func generator() {
    var generator = SeededGenerator(seed: 0)
    #expect(generator.next() == 0xE220_A839_7B1D_CDAF)
    #expect(generator.next() == 0x6E78_9E6A_A1B9_65F4)
    let units = (0..<10000).map { _ in generator.unit() }
    #expect(units.allSatisfy { 0 <= $0 && $0 < 1 })
    #expect(abs(units.reduce(0, +) / 10000 - 0.5) < 0.02)
  }
}
