/// One reusable block of mono sound, with its place in the stream and the time it was captured.
///
/// It is made once per thread and refilled. It owns its memory and cannot be copied by accident.
public struct AudioFrame: ~Copyable, Sendable {
  /// The rate at which the whole program works, in Hz. Sources and sinks convert at the edges.
  public static let sampleRate = 24_000

  /// The samples, nominally in [-1, 1]. The length never changes.
  public var samples: [Float]
  /// How many of `samples`, from the start, came from the source; the rest is silence.
  public var validCount: Int
  /// Position in the stream of the first sample, counted in samples from 0.
  public var sampleIndex: Int64
  /// Monotonic time at which the last sample was captured, in nanoseconds; 0 if it was not captured live.
  public var captureNanoseconds: UInt64

  /// A silent frame of `count` samples.
  public init(count: Int) {
    precondition(count > 0)
    samples = [Float](repeating: 0, count: count)
    validCount = 0
    sampleIndex = 0
    captureNanoseconds = 0
  }

  /// Fills the frame from `source` and advances its position by one frame; returns false at the end of the sound.
  public mutating func fill(from source: any AudioSource) -> Bool {
    let start = sampleIndex + Int64(validCount)
    var span = samples.mutableSpan
    validCount = source.read(into: &span)
    sampleIndex = start
    return validCount > 0
  }
}
