internal import Base
import Glibc

/// The round trip of a pair of devices: a chirp is played and searched for in the captured sound.
package struct ChirpRoundTrip: Sendable, Equatable {
  /// Seconds from the moment the program wrote the chirp to the moment it could read it back.
  package var total: Double
  /// The part of it before the loudspeaker's converter.
  package var queued: Double
  /// The part between the two converters, by their own clocks: air, cable, or what the drivers do not report.
  package var path: Double
  /// The part that the microphone's side holds back until it has a whole period.
  package var capture: Double
  /// Ratio of the best match to the second best; below 1.5 the match may be chance.
  package var confidence: Double

  /// A sweep of 20 ms from 500 Hz to 8 kHz with soft ends: short, and unlike other sounds.
  package static let chirp: [Float] = (0..<480).map { index in
    let time = Double(index) / 24_000
    let phase = 2 * Double.pi * (500 * time + (8000 - 500) / (2 * 0.02) * time * time)
    let envelope = 0.5 - 0.5 * cos(2 * Double.pi * Double(index) / 480)
    return Float(0.5 * envelope * sin(phase))
  }

  /// The first sample of `chirp` in `sound`, and the confidence of the match; nil in silence.
  package static func find(in sound: [Float]) -> (index: Int, confidence: Double)? {
    guard sound.count > chirp.count else { return nil }
    var products = [Float](repeating: 0, count: sound.count - chirp.count)
    for start in products.indices {
      var sum: Float = 0
      for index in 0..<chirp.count { sum += sound[start + index] * chirp[index] }
      products[start] = abs(sum)
    }
    guard let best = products.indices.max(by: { products[$0] < products[$1] }), products[best] > 1e-4
    else { return nil }
    // The neighbours belong to the same peak.
    var second: Float = 1e-9
    for index in products.indices where abs(index - best) > 48 { second = max(second, products[index]) }
    return (best, Double(products[best] / second))
  }

  /// Sends `count` chirps, 0.6 s apart, and searches for each.
  ///
  /// - Returns: one result per chirp that was found.
  /// - Throws: the fault of a device that was given up meanwhile.
  package static func measure(
    _ playback: ALSAPlayback, _ capture: ALSACapture, count: Int
  ) throws(AudioDeviceError) -> [ChirpRoundTrip] {
    var results: [ChirpRoundTrip] = []
    // A frame of silence every 20 ms keeps the loudspeaker's queue filled.
    let silence = [Float](repeating: 0, count: chirp.count)
    for round in 0..<count + 1 {
      if let fault = capture.fault ?? playback.fault { throw fault }
      _ = capture.skip(.max)
      var heard: [Float] = []
      let first = capture.position
      let receipt = playback.enqueue(chirp.span)
      let start = MonotonicClock.now
      var next: UInt64 = start + 20_000_000
      while MonotonicClock.now - start < 600_000_000 {
        var block = [Float](repeating: 0, count: max(capture.count, 1))
        var span = block.mutableSpan
        heard += block[..<capture.read(into: &span)]
        if MonotonicClock.now >= next {
          _ = playback.enqueue(silence.span)
          next += 20_000_000
        }
        MonotonicClock.sleep(nanoseconds: 2_000_000)
      }
      // The first chirp only synchronizes the devices.
      guard round > 0, let found = find(in: heard),
        let arrival = capture.clock.nanoseconds(at: Double(first + found.index))
      else { continue }
      let held = capture.settings.periodMilliseconds / 1000
      let path = Double(Int64(bitPattern: arrival &- receipt.dacNanoseconds)) * 1e-9
      results.append(
        ChirpRoundTrip(
          total: receipt.delaySeconds + path + held, queued: receipt.delaySeconds, path: path, capture: held,
          confidence: found.confidence))
    }
    return results
  }
}
