/// Sound from memory, standing in for a microphone or a file in tests and measurements.
public final class SampleSource: AudioSource, @unchecked Sendable {
  private let samples: [Float]
  private var next = 0

  /// - Parameter samples: mono, at 24 kHz.
  public init(_ samples: [Float]) {
    self.samples = samples
  }

  public var duration: Double? { Double(samples.count) / Double(AudioFrame.sampleRate) }

  public func read(into frame: inout MutableSpan<Float>) -> Int {
    let count = min(frame.count, samples.count - next)
    for index in frame.indices { frame[index] = index < count ? samples[next + index] : 0 }
    next += count
    return count
  }
}
