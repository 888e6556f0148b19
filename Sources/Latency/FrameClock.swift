package import Base

/// Time as the frame log sees it: microseconds since the run's epoch, measured on the monotonic clock.
///
/// A live run uses the clock as it is. A file run has a virtual clock: frame `i` is complete at `(i + 1)` frame times,
/// as it would be from a microphone, and the time that the machine then spends on it is measured and added. The clock
/// stands still while the file is read and the log is drained. A frame that is not finished when the next one is
/// complete delays it, exactly as in a live run.
package struct FrameClock: Sendable, BitwiseCopyable {
  package enum Mode: Sendable, BitwiseCopyable {
    /// Sound arrives in real time; the clock is real.
    case live
    /// Sound arrives one frame per frame time, whatever the machine does.
    case file
  }

  package let mode: Mode
  /// 80,000 for every model of the family.
  package let frameMicroseconds: Int64
  /// The clock that the times of the current frame are read from.
  package private(set) var run: RunClock
  /// The time at which the last frame of a file run was finished.
  private var finished: Int64 = 0

  /// A clock that shows zero when the monotonic clock shows `origin` microseconds.
  package init(
    _ mode: Mode, frameMicroseconds: Int64 = 80_000, origin: Int64 = MonotonicClock.microseconds
  ) {
    self.mode = mode
    self.frameMicroseconds = frameMicroseconds
    run = RunClock(origin: origin)
  }

  /// Microseconds since the epoch.
  ///
  /// - Parameter monotonic: the monotonic clock's reading, in microseconds.
  package func now(_ monotonic: Int64 = MonotonicClock.microseconds) -> Int64 { monotonic - run.origin }

  /// A moment that another module read from the monotonic clock, in nanoseconds.
  package func time(nanoseconds: UInt64) -> Int64 { run.time(nanoseconds: nanoseconds) }

  /// A frame is complete and work on it starts.
  ///
  /// - Parameter monotonic: the monotonic clock's reading, in microseconds.
  /// - Returns: when it was complete. In a file run the clock moves to that moment, or to where the last frame ended if
  ///   that is later.
  package mutating func begin(frame: Int64, _ monotonic: Int64 = MonotonicClock.microseconds) -> Int64 {
    switch mode {
    case .live:
      return monotonic - run.origin
    case .file:
      let arrival = (frame + 1) * frameMicroseconds
      run.origin = monotonic - max(arrival, finished)
      return arrival
    }
  }

  /// The frame is written: a file run's clock stands still until the next `begin`.
  ///
  /// - Parameter monotonic: the monotonic clock's reading, in microseconds.
  package mutating func end(_ monotonic: Int64 = MonotonicClock.microseconds) {
    finished = monotonic - run.origin
  }
}
