internal import AudioIO

/// Integer microseconds on the clock that nothing adjusts: the devices' clock, in the unit of the logs.
package enum MonotonicClock {
  /// Microseconds since an arbitrary start, the same for every thread of this machine.
  package static func now() -> Int64 { Int64(AudioIO.MonotonicClock.now / 1_000) }
}
