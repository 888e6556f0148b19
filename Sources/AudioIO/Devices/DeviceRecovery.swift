internal import Base
import Glibc

/// The steps from a failed call back to a running device, the same for both directions.
struct DeviceRecovery {
  private static let firstPause: UInt64 = 50_000_000
  private static let longestPause: UInt64 = 400_000_000

  /// While the device is lost: when to try to reopen it.
  private var nextAttempt: UInt64?
  private var pause = firstPause
  private var isSuspended = false

  /// Whether the device is lost.
  var isAway: Bool { nextAttempt != nil }

  /// Recovers `device` from `error`, a negative error number.
  ///
  /// - Parameter begin: prepares and starts the device; returns whether that worked.
  mutating func recover(_ device: some PCM, from error: Int, begin: () -> Bool) -> DeviceOutcome {
    switch Int32(truncatingIfNeeded: -error) {
    case EAGAIN, EINTR:
      return .idle
    case EPIPE:
      return begin() ? .xrun : lose(device)
    case ESTRPIPE:
      let result = device.resume()
      if result == Int(-EAGAIN) {
        // Not resumed yet: the next iteration tries again, and only the first is counted.
        device.pause(nanoseconds: 10_000_000)
        defer { isSuspended = true }
        return isSuspended ? .idle : .suspended
      }
      let wasCounted = isSuspended
      isSuspended = false
      // Hardware that cannot resume is restarted.
      if result < 0, !begin() { return lose(device) }
      return wasCounted ? .idle : .suspended
    default:
      return lose(device)
    }
  }

  /// The device is lost: tries to reopen it, soon at first, then less often.
  private mutating func lose(_ device: some PCM) -> DeviceOutcome {
    device.drop()
    pause = Self.firstPause
    nextAttempt = device.now + pause
    return .lost
  }

  /// While the device is lost: sleeps briefly, and tries to reopen it when the time has come.
  mutating func look(for device: some PCM, begin: () -> Bool) -> DeviceOutcome {
    guard let attempt = nextAttempt else { return .idle }
    let now = device.now
    if now < attempt {
      device.pause(nanoseconds: min(attempt - now, 20_000_000))
      return .away
    }
    if device.reopen(), begin() {
      nextAttempt = nil
      isSuspended = false
      return .reopened
    }
    pause = min(2 * pause, Self.longestPause)
    nextAttempt = device.now + pause
    return .away
  }
}
