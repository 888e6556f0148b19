/// A sink that consumes sound at its own pace, mono at 24 kHz: what a live session needs of a loudspeaker. One thread
/// fills it.
package protocol Loudspeaker: AnyObject, Sendable {
  /// Number of underruns.
  var underruns: Int { get }
  /// Enqueues the next samples. If too much sound is waiting, it is cut here, with a short cross-fade, and counted.
  func enqueue(_ block: Span<Float>) -> PlaybackReceipt
  /// Offers spare frames, one after the other, that may be begun in place of blocks that do not come in time.
  func offer(_ frames: Span<Float>)
  /// Takes back what was offered, and returns how many of the frames were begun: they are played to their ends.
  func withdraw() -> Int
  /// Takes note that a block is not enqueued because a spare frame as long was begun in its place.
  func concede(_ block: Span<Float>) -> PlaybackReceipt
}

/// What happened to an enqueued block.
package struct PlaybackReceipt: Equatable, Sendable {
  /// When it was enqueued, on `MonotonicClock`.
  package var writtenNanoseconds: UInt64 = 0
  /// When its first sample had to be in the queue; later than that, silence is played.
  package var dueNanoseconds: UInt64 = 0
  /// When its first sample passes the converter.
  package var dacNanoseconds: UInt64 = 0
  /// Samples of it that were skipped because too many were waiting.
  package var skippedSamples = 0
  /// Seconds to spare; negative if it came too late.
  package var slackSeconds: Double { seconds(dueNanoseconds) }
  /// Seconds of sound ahead of it, in the queue and in the device.
  package var delaySeconds: Double { seconds(dacNanoseconds) }

  package init(writtenNanoseconds: UInt64 = 0, dueNanoseconds: UInt64 = 0, dacNanoseconds: UInt64 = 0) {
    self.writtenNanoseconds = writtenNanoseconds
    self.dueNanoseconds = dueNanoseconds
    self.dacNanoseconds = dacNanoseconds
  }

  private func seconds(_ time: UInt64) -> Double {
    Double(Int64(bitPattern: time &- writtenNanoseconds)) * 1e-9
  }
}

extension ALSAPlayback: Loudspeaker {
  package var underruns: Int { counts.xruns }
}
