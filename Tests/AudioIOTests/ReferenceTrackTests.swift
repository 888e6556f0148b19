import Testing

@testable import AudioIO

@Suite("The position of the echo's reference")
struct ReferenceTrackTests {
  /// Runs a track through blocks of 10 ms at 48 kHz.
  ///
  /// - Parameters:
  ///   - drift: how much faster the loudspeaker's clock runs.
  ///   - wander: error of the reported times at a block, in seconds.
  /// - Returns: how far the track is from the truth, in samples, at each block, up to a constant.
  private func errors(
    seconds: Int, drift: Double, jitter: Double, wander: (Int) -> Double
  ) -> (track: ReferenceTrack, errors: [Double]) {
    var track = ReferenceTrack(blockSeconds: 0.01, rate: 48_000)
    var errors: [Double] = []
    for block in 0..<seconds * 100 {
      let truth = Double(block) * 480 * (1 + drift)
      let start = track.advance(ideal: truth + wander(block) * 48_000, jitter: jitter, interruptions: 0)
      if let start { errors.append(start - truth) }
    }
    return (track, errors)
  }

  @Test("equal clocks whose reported times wander by ten milliseconds: no sample is lost or repeated")
  func wander() {
    // As PulseAudio's: a wave in the first seconds, then slow and small.
    let report = { (block: Int) in
      block < 800 ? 0.01 * Double(block % 400) / 400 : 0.001 * Double(block % 1000) / 1000
    }
    let (track, errors) = errors(seconds: 60, drift: 0, jitter: 0.002, wander: report)
    #expect(track.speed == 1 && track.alignments == 1)
    #expect(Set(errors.dropFirst(60).map { $0.rounded() }).count == 1)
  }

  @Test(
    "a difference of 500 ppm between the clocks is known after ten seconds if reported times are accurate",
    arguments: [500e-6, -500e-6])
  func drift(drift: Double) {
    let (track, errors) = errors(seconds: 60, drift: drift, jitter: 0.0002) { Double($0 * 7 % 5) * 0.0001 }
    #expect(abs(track.speed - 1 - drift) < 5e-6 && track.alignments == 1)
    // From then on less than a tenth of a sample per second.
    #expect(abs(errors.last! - errors[1000]) < 5 * 48 / 24)
  }

  @Test("an interrupted stream is realigned with the other half a second later")
  func interruption() {
    var track = ReferenceTrack(blockSeconds: 0.01, rate: 48_000)
    for block in 0..<200 { _ = track.advance(ideal: Double(block) * 480, jitter: 0, interruptions: 1) }
    var start: Double?
    for block in 200..<260 {
      start = track.advance(ideal: Double(block) * 480 + 9600, jitter: 0, interruptions: 2)
    }
    #expect(track.alignments == 2 && start == 259 * 480 + 9600)
  }

  @Test("an unreported step of the clocks is believed if it persists")
  func step() {
    var track = ReferenceTrack(blockSeconds: 0.01, rate: 48_000)
    for block in 0..<400 {
      let offset = (200..<240).contains(block) || block >= 300 ? 4800.0 : 0
      _ = track.advance(ideal: Double(block) * 480 + offset, jitter: 0, interruptions: 0)
      if block == 299 { #expect(track.alignments == 1) }
    }
    for block in 400..<600 {
      _ = track.advance(ideal: Double(block) * 480 + 4800, jitter: 0, interruptions: 0)
    }
    #expect(track.alignments == 2)
  }
}
