import Glibc

/// Keeps the sound that is written, standing in for a loudspeaker or a file in tests.
public final class MemorySink: AudioSink, @unchecked Sendable {
  /// The sound that was written; for two channels, the left one.
  public private(set) var samples: [Float] = []
  /// The right channel; empty when only mono was written.
  public private(set) var right: [Float] = []
  /// Whether `finish` was called; nothing may be written after that.
  public private(set) var isFinished = false
  public private(set) var failure: (any Error)?

  private let limit: Int

  /// - Parameter limit: how many samples fit; beyond that the sink fails, as a full disk does.
  public init(limit: Int = .max) {
    self.limit = limit
  }

  @discardableResult
  public func write(_ frame: Span<Float>) -> Bool {
    guard admit(frame.count) else { return false }
    for index in frame.indices { samples.append(frame[index]) }
    return true
  }

  @discardableResult
  public func write(left: Span<Float>, right other: Span<Float>) -> Bool {
    precondition(left.count == other.count)
    guard admit(left.count) else { return false }
    for index in left.indices {
      samples.append(left[index])
      right.append(other[index])
    }
    return true
  }

  public func finish() throws(SoundFileError) {
    isFinished = true
    if let failure = failure as? SoundFileError { throw failure }
  }

  private func admit(_ count: Int) -> Bool {
    precondition(!isFinished, "written to after finish")
    if failure == nil, samples.count + count > limit {
      failure = SoundFileError.writeFailed(
        path: "memory", errno: ENOSPC, seconds: Double(samples.count) / Double(AudioFrame.sampleRate),
        bytes: samples.count * MemoryLayout<Float>.size)
    }
    return failure == nil
  }
}
