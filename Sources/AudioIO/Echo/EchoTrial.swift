internal import Base
import Glibc

/// How much of its own sound a pair of devices captures, and how much of that the canceller removes.
package struct EchoTrial: Sendable {
  /// Echo return loss enhancement in dB, second by second; nil while the loudspeaker was silent.
  package var decibels: [Double?] = []
  /// The same over the whole trial from the third second on; nil if no echo was captured.
  package var overall: Double?
  /// Loudness of the echo, in dB of full scale.
  package var level: Double?

  /// Plays `sound` repeatedly for `seconds`, one block for each that the microphone delivers.
  ///
  /// - Parameter canceller: the one that `capture` uses.
  /// - Throws: the fault of a device that was given up meanwhile.
  package static func run(
    _ playback: ALSAPlayback, _ capture: ALSACapture, _ canceller: EchoCanceller, sound: [Float], seconds: Int
  ) throws(AudioDeviceError) -> EchoTrial {
    var trial = EchoTrial()
    var block = [Float](repeating: 0, count: 480)
    var (next, second, settled) = (0, 0, 0.0)
    var last = canceller.energies
    var early = last
    let begin = MonotonicClock.now
    // A microphone that delivers nothing must not keep the trial from ending.
    while second < seconds, MonotonicClock.now - begin < UInt64(seconds + 5) * 1_000_000_000 {
      if let fault = capture.fault ?? playback.fault { throw fault }
      guard capture.count >= block.count else {
        MonotonicClock.sleep(nanoseconds: 2_000_000)
        continue
      }
      var span = block.mutableSpan
      _ = capture.read(into: &span)
      for index in block.indices { block[index] = sound[(next + index) % sound.count] }
      _ = playback.enqueue(block.span)
      next += block.count
      guard next / AudioFrame.sampleRate > second else { continue }
      second += 1
      let now = canceller.energies
      trial.decibels.append(loss(last, now))
      last = now
      if second == 2 { early = now }
      settled = now.before - early.before
    }
    guard settled > 0 else { return trial }
    trial.overall = loss(early, last)
    let samples = Double(max(second - 2, 1) * AudioFrame.sampleRate)
    trial.level = 10 * log10(settled / samples)
    return trial
  }

  private static func loss(
    _ early: (before: Double, after: Double), _ late: (before: Double, after: Double)
  ) -> Double? {
    let (before, after) = (late.before - early.before, late.after - early.after)
    // Below -70 dB of full scale there is no echo to measure.
    guard before > 1e-7 * Double(AudioFrame.sampleRate) else { return nil }
    return 10 * log10(before / max(after, 1e-12))
  }
}
