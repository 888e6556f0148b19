import Glibc

/// The clock of every time in a conversation: monotonic, not steered by the network (`CLOCK_MONOTONIC_RAW`).
package enum MonotonicClock {
  /// Nanoseconds since some fixed moment.
  package static var now: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC_RAW, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// Sleeps; a signal may end the sleep early.
  static func sleep(nanoseconds: UInt64) {
    var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    nanosleep(&time, nil)
  }
}
