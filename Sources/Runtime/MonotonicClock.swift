import Glibc

/// Integer microseconds on the clock that nothing adjusts (`CLOCK_MONOTONIC_RAW`).
package enum MonotonicClock {
  /// Microseconds since an arbitrary start, the same for every thread of this machine.
  package static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC_RAW, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
  }
}
