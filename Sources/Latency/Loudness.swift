import Glibc

/// Loudness of one frame, both as eight windows of an eighth of a frame (10 ms) and as a whole.
package struct Loudness: Sendable, BitwiseCopyable {
  /// Windows in a frame.
  package static let windows = 8
  /// The loudness of digital silence, in place of minus infinity.
  package static let floor: Float = -120
  package static let silence = Loudness()

  /// dB relative to full scale, RMS, of each window.
  package var windowDecibels = SIMD8<Float>(repeating: Loudness.floor)
  /// dB relative to full scale, RMS, of the whole frame.
  package var decibels = Loudness.floor

  package init() {}

  /// Measures a frame of samples, -1...1. The number of samples is a multiple of eight; NaN counts as silence.
  package init(_ frame: Span<Float>) {
    let count = frame.count / Self.windows
    precondition(count > 0 && count * Self.windows == frame.count, "a frame is eight whole windows")
    var whole: Float = 0
    for window in 0..<Self.windows {
      var sum: Float = 0
      for index in window * count..<(window + 1) * count {
        let sample = frame[index]
        if sample.isFinite { sum += sample * sample }
      }
      windowDecibels[window] = Self.decibels(meanSquare: sum / Float(count))
      whole += sum
    }
    decibels = Self.decibels(meanSquare: whole / Float(frame.count))
  }

  private static func decibels(meanSquare: Float) -> Float {
    meanSquare > 0 ? max(10 * log10f(meanSquare), floor) : floor
  }
}
