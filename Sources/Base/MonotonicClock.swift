internal import CThreads
internal import Glibc

/// The clock of all times in the program: monotonic and never adjusted (`CLOCK_MONOTONIC_RAW`).
package enum MonotonicClock {
  /// Nanoseconds since an arbitrary moment, the same for every thread of this machine.
  package static var now: UInt64 { read(CLOCK_MONOTONIC_RAW) }

  /// Microseconds since the same moment.
  package static var microseconds: Int64 { Int64(now / 1_000) }

  /// Microseconds since the machine booted, including suspension: the clock by which the kernel records when processes
  /// start.
  package static var microsecondsSinceBoot: Int64 { Int64(read(CLOCK_BOOTTIME) / 1_000) }

  /// Sleeps; a signal may end the sleep early.
  package static func sleep(nanoseconds: UInt64) {
    var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    nanosleep(&time, nil)
  }

  private static func read(_ clock: clockid_t) -> UInt64 {
    let time = cthreads_now(clock)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}

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
