/// Where sound goes in its own time, mono at 24 kHz: what a live session needs of a loudspeaker. One thread fills it.
package protocol Loudspeaker: AnyObject, Sendable {
  /// How often the device ran dry.
  var underruns: Int { get }
  /// Gives the next samples. Too much waiting sound is cut here, with a short cross-fade, and counted.
  func enqueue(_ block: Span<Float>) -> PlaybackReceipt
}

/// What happened to a block given to a loudspeaker.
package struct PlaybackReceipt: Equatable, Sendable {
  /// When it was given, on `MonotonicClock`.
  package var writtenNanoseconds: UInt64 = 0
  /// When its first sample had to be there, or silence is played.
  package var dueNanoseconds: UInt64 = 0
  /// When its first sample passes the converter.
  package var dacNanoseconds: UInt64 = 0
  /// Samples of it that were left out because too much waited already.
  package var skippedSamples = 0
  /// Seconds to spare; negative when it came too late.
  package var slackSeconds: Double { seconds(dueNanoseconds) }
  /// Seconds of sound that waited before it, in the queue and in the device.
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
