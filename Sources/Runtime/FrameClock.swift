internal import Base

/// Time as the frame log sees it: microseconds since the run's epoch, measured on the monotonic clock.
///
/// A live run reads the clock as it is. A file run has a virtual clock: frame `i` arrives complete at
/// `(i + 1)` frame times, as it would from a microphone, and what the machine then spends on it is measured
/// and added. Reading the file and draining the log happen while this clock stands still. A frame
/// that is not finished when the next one arrives delays it, exactly as in a live run.
package struct FrameClock: Sendable, BitwiseCopyable {
  package enum Mode: Sendable, BitwiseCopyable {
    /// Sound arrives when it arrives.
    case live
    /// Sound arrives one frame per frame time, whatever the machine does.
    case file
  }

  package let mode: Mode
  /// 80,000 for every model of the family.
  package let frameMicroseconds: Int64
  /// What the monotonic clock showed when this clock showed zero.
  private var origin: Int64
  /// Where a file run's clock stood when the last frame was finished.
  private var finished: Int64 = 0

  /// A clock that shows zero when the monotonic clock shows `origin`.
  package init(_ mode: Mode, frameMicroseconds: Int64 = 80_000, origin: Int64 = MonotonicClock.microseconds) {
    self.mode = mode
    self.frameMicroseconds = frameMicroseconds
    self.origin = origin
  }

  /// Microseconds since the epoch.
  package func now(_ monotonic: Int64 = MonotonicClock.microseconds) -> Int64 { monotonic - origin }

  /// A moment that another module saw on the monotonic clock.
  package func time(nanoseconds: UInt64) -> Int64 { now(Int64(nanoseconds / 1000)) }

  /// A frame is complete and work on it starts.
  /// - Returns: when it was complete. In a file run `now` moves there, or to where the last frame ended if
  ///   that is later.
  package mutating func begin(frame: Int64, _ monotonic: Int64 = MonotonicClock.microseconds) -> Int64 {
    switch mode {
    case .live:
      return monotonic - origin
    case .file:
      let arrival = (frame + 1) * frameMicroseconds
      origin = monotonic - max(arrival, finished)
      return arrival
    }
  }

  /// The frame is written: a file run's clock stands still until the next `begin`.
  package mutating func end(_ monotonic: Int64 = MonotonicClock.microseconds) { finished = monotonic - origin }
}
