internal import Base
import Glibc

/// The ladder from a failed call back to a running device. The same for both directions.
struct DeviceRecovery {
  private static let firstPause: UInt64 = 50_000_000
  private static let longestPause: UInt64 = 400_000_000

  /// While the device is away: when to look for it again.
  private var nextAttempt: UInt64?
  private var pause = firstPause
  private var isSuspended = false

  /// Whether there is a device to talk to.
  var isAway: Bool { nextAttempt != nil }

  /// Brings `device` back after `error`, a negative error number.
  ///
  /// - Parameter begin: prepares and starts it; returns whether that worked.
  mutating func recover(_ device: some PCM, from error: Int, begin: () -> Bool) -> DeviceOutcome {
    switch Int32(truncatingIfNeeded: -error) {
    case EAGAIN, EINTR:
      return .idle
    case EPIPE:
      return begin() ? .xrun : lose(device)
    case ESTRPIPE:
      let result = device.resume()
      if result == Int(-EAGAIN) {
        // Not awake yet: asked again at the next turn, counted once.
        device.pause(nanoseconds: 10_000_000)
        defer { isSuspended = true }
        return isSuspended ? .idle : .suspended
      }
      let wasCounted = isSuspended
      isSuspended = false
      // Where the hardware cannot go on, it starts anew.
      if result < 0, !begin() { return lose(device) }
      return wasCounted ? .idle : .suspended
    default:
      return lose(device)
    }
  }

  /// The device is gone: look for it again, at first soon, then less often.
  private mutating func lose(_ device: some PCM) -> DeviceOutcome {
    device.drop()
    pause = Self.firstPause
    nextAttempt = device.now + pause
    return .lost
  }

  /// While away: sleeps a little, and tries when it is time.
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
