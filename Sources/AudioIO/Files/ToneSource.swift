import Glibc

/// A sine of any length: a known sound for tests and measurements.
public final class ToneSource: AudioSource, @unchecked Sendable {
  private let cyclesPerSample: Double
  private let amplitude: Double
  private let length: Int?
  private var position = 0

  /// - Parameters:
  ///   - frequency: in Hz.
  ///   - amplitude: the peak, 1 being full scale.
  ///   - seconds: the length; nil for an endless tone.
  public init(frequency: Double, amplitude: Float = 0.5, seconds: Double? = nil) {
    cyclesPerSample = frequency / Double(AudioFrame.sampleRate)
    self.amplitude = Double(amplitude)
    length = seconds.map { Int(($0 * Double(AudioFrame.sampleRate)).rounded()) }
  }

  public var duration: Double? { length.map { Double($0) / Double(AudioFrame.sampleRate) } }

  public func read(into frame: inout MutableSpan<Float>) -> Int {
    let count = length.map { min(frame.count, $0 - position) } ?? frame.count
    for index in frame.indices {
      // The phase is computed from the position each time, so that errors do not accumulate in a long run.
      let cycles = (cyclesPerSample * Double(position + index)).truncatingRemainder(dividingBy: 1)
      frame[index] = index < count ? Float(amplitude * sin(2 * .pi * cycles)) : 0
    }
    position += count
    return count
  }
}
