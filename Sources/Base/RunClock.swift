/// A clock with an epoch, from which all times of a run are read, from the step to the log.
///
/// Its unit is the microsecond. A run begins with a clock that shows 0; `monotonic` counts from an arbitrary moment.
public struct RunClock: Sendable, BitwiseCopyable {
  /// The monotonic clock's reading at the epoch, in microseconds.
  package var origin: Int64

  /// - Parameter origin: the monotonic clock's reading at the epoch, in microseconds.
  package init(origin: Int64) { self.origin = origin }

  /// `CLOCK_MONOTONIC_RAW` as it is.
  public static let monotonic = RunClock(origin: 0)

  /// A clock that shows 0 now.
  public static func starting() -> RunClock { RunClock(origin: MonotonicClock.microseconds) }

  /// Microseconds since the epoch.
  public var now: Int64 { MonotonicClock.microseconds - origin }

  /// A moment read from the monotonic clock, in nanoseconds, as microseconds since the epoch.
  package func time(nanoseconds: UInt64) -> Int64 { Int64(nanoseconds / 1_000) - origin }
}
