import Testing

@testable import AudioIO

@Suite("The resampler")
struct ResamplerTests {
  static let rates = [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000]

  @Test("keeps the duration to a sample", arguments: rates)
  func duration(rate: Int) {
    for count in [1, 7, 480, 1920, 12_345] {
      let output = Resampler.resample(
        tone(440, rate: Double(rate), count: count), from: Double(rate), to: 24_000)
      let expected = Double(count) * 24_000 / Double(rate)
      #expect(abs(Double(output.count) - expected) <= 1, "\(count) samples at \(rate) Hz")
    }
  }

  @Test("keeps a 1 kHz tone at 1 kHz, 80 dB above everything else", arguments: rates)
  func purity(rate: Int) {
    let input = tone(1_000, rate: Double(rate), count: rate)
    let output = Resampler.resample(input, from: Double(rate), to: 24_000)
    #expect(toneToRest(output[2_000..<22_000], 1_000) > 80)
  }

  @Test("keeps the tone at its position in time")
  func alignment() {
    let output = Resampler.resample(tone(1_000, rate: 48_000, count: 48_000), from: 48_000, to: 24_000)
    let expected = tone(1_000, count: 24_000)
    let worst = (2_000..<22_000).map { abs(output[$0] - expected[$0]) }.max()!
    #expect(worst < 1e-4)
  }

  @Test("removes what the lower rate cannot represent")
  func aliasing() {
    let output = Resampler.resample(tone(15_000, rate: 48_000, count: 48_000), from: 48_000, to: 24_000)
    #expect(output[2_000..<22_000].allSatisfy { abs($0) < 1e-4 })
  }

  @Test(
    "gives the same samples in pieces of any size",
    arguments: [(1, 1), (3, 5), (7, 4096), (1000, 13), (441, 240)])
  func pieces(inputSize: Int, outputSize: Int) {
    let input = tone(700, rate: 44_100, count: 20_000)
    let whole = Resampler.resample(input, from: 44_100, to: 24_000)

    let resampler = Resampler(from: 44_100, to: 24_000)
    var block = [Float](repeating: 0, count: outputSize)
    var result: [Float] = []
    var next = 0
    while next < input.count {
      let end = min(next + inputSize, input.count)
      var output = block.mutableSpan
      let (used, made) = resampler.process(input.span.extracting(next..<end), into: &output)
      next += used
      result += block[..<made]
    }
    while true {
      var output = block.mutableSpan
      let made = resampler.drain(into: &output)
      if made == 0 { break }
      result += block[..<made]
    }
    #expect(result == whole)
  }

  @Test("follows a clock that runs at a different speed")
  func stretch() {
    let resampler = Resampler(from: 48_000, to: 24_000, maximumStretch: 1.02)
    // The tone was captured by a clock 1 % too fast: 1 % more samples for the same time.
    let input = tone(1_000, rate: 48_480, count: 96_960)
    resampler.setStretch(1.01, slew: 0)
    var block = [Float](repeating: 0, count: 512)
    var result: [Float] = []
    var next = 0
    while next < input.count {
      let end = min(next + 480, input.count)
      var output = block.mutableSpan
      let (used, made) = resampler.process(input.span.extracting(next..<end), into: &output)
      next += used
      result += block[..<made]
    }
    #expect(abs(result.count - 48_000) < 600)
    #expect(toneToRest(result[4_000..<40_000], 1_000) > 80)
  }
}
