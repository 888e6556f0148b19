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
