import Base
import Foundation
import Synchronization
import Testing

@testable import AudioIO

/// The whole path of an echo: playback loop, loudspeaker, room, microphone, capture loop, with two clocks.
@Suite("Echo between two devices")
struct EchoLoopTests {
  /// Plays `sound` into a room with an echo of -10 dB after 50 ms.
  ///
  /// - Returns: echo return loss in dB from second 8 on, and how often the reference was realigned.
  private func loss(
    _ sound: [Float], mode: EchoMode, drift: Double, jitter: Double
  ) -> (decibels: Float, realignments: Int) {
    var seed: UInt64 = 11
    let stamp = {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (Double(seed >> 11) / Double(1 << 53) - 0.5) * 2 * jitter
    }
    let loudspeaker = ScriptedPCM(.playback)
    loudspeaker.rateError = drift
    loudspeaker.stampError = stamp
    let playback = PlaybackLoop(device: loudspeaker, ring: SampleRing(capacity: 24_000))
    let microphone = ScriptedPCM(.capture, buffer: 4800)
    microphone.stampError = stamp
    microphone.input = { frame in
      // Both devices started at the same moment; the room is 50 ms long.
      let place = Double(frame - 2400) * (1 + drift)
      let index = Int(place.rounded(.down))
      guard index >= 0, index + 1 < loudspeaker.output.count else { return 0 }
      let part = Float(place - Double(index))
      return 0.316 * (loudspeaker.output[index] * (1 - part) + loudspeaker.output[index + 1] * part)
    }
    let canceller = EchoCanceller(mode, played: playback.played, clock: playback.playedClock, rate: 48_000)
    let capture = CaptureLoop(
      device: microphone, ring: SampleRing(capacity: 24_000), wake: Wake(),
      canceller: mode == .none ? nil : canceller)
    #expect(playback.begin() && capture.begin())

    var controller = RateController(target: 0.04)
    var (given, owed) = (0, 0.0)
    var heard: [Float] = []
    for step in 0..<sound.count / 240 {
      if step % 8 == 0, given + 1920 <= sound.count {
        let now = 1_000_000_000 + UInt64(step) * 10_000_000
        let next = Double(given + playback.insertedSamples.load(ordering: .relaxed))
        if let time = playback.clock.nanoseconds(at: next) {
          let depth = Double(Int64(bitPattern: time &- now)) * 1e-9
          controller.update(measured: max(depth, 0), interval: 0.08)
          playback.stretchBits.store(controller.stretch.bitPattern, ordering: .relaxed)
        }
        playback.ring.write(sound.span.extracting(given..<given + 1920))
        given += 1920
      }
      owed += 480 * (1 + drift)
      loudspeaker.pass(Int(owed))
      owed -= owed.rounded(.down)
      while case .moved = playback.iterate() {}
      microphone.pass(480)
      _ = capture.iterate()
      var block = [Float](repeating: 0, count: capture.ring.count)
      var span = block.mutableSpan
      capture.ring.read(into: &span)
      heard += block
    }
    let energy = heard[192_000...].reduce(Float(0)) { $0 + $1 * $1 }
    return (10 * log10(energy), canceller.realignments)
  }

  @Test("it stays 20 dB weaker while the loudspeaker's clock drifts", arguments: [0, 500e-6, -500e-6])
  func drift(drift: Double) throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let clip = readAll(
      try SoundFileReader.open(root.appendingPathComponent("Assets/audio/question.flac").path))
    let sound = clip + clip + clip
    // The drift is known after five seconds; the figure covers the rest.
    let before = loss(sound, mode: .none, drift: drift, jitter: 500_000)
    let after = loss(sound, mode: .builtin, drift: drift, jitter: 500_000)
    #expect(before.decibels - after.decibels >= 20, "\(before.decibels - after.decibels) dB")
    #expect(after.realignments <= 2)
  }
}
