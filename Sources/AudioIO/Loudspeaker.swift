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
  /// When its first sample passes the converter, and so when the device would have run dry.
  package var dacNanoseconds: UInt64 = 0
  /// Samples of it that were left out because too much waited already.
  package var skippedSamples = 0
  /// Seconds of sound that waited before it; negative when it came too late.
  package var slackSeconds: Double {
    Double(Int64(bitPattern: dacNanoseconds &- writtenNanoseconds)) * 1e-9
  }

  package init(writtenNanoseconds: UInt64 = 0, dacNanoseconds: UInt64 = 0) {
    (self.writtenNanoseconds, self.dacNanoseconds) = (writtenNanoseconds, dacNanoseconds)
  }
}

extension ALSAPlayback: Loudspeaker {
  package var underruns: Int { counts.xruns }
}
