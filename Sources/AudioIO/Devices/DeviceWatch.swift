import Synchronization

/// Looks at what a device says, turn by turn, and sees when it cannot be true.
///
/// A loop that believes everything is at the mercy of the device: one that is always ready makes a thread with real-time
/// priority spin, and the machine stands still.
struct DeviceWatch {
  /// What the loop has to do after a turn.
  enum Verdict: Equatable {
    case goOn
    /// Sleep for `DeviceWatch.pause` first.
    case sleep
    /// Use the device no more.
    case giveUp(DeviceFault)
  }

  /// Nanoseconds. A turn that sleeps so long costs next to nothing, and no device has periods as short.
  static let pause: UInt64 = 1_000_000
  /// No clock is so much faster than its nominal rate.
  private static let fastest = 1.05
  /// Turns per second that are let go on without a pause, and how many may come at once.
  private static let turnsPerSecond = 2_000.0
  private static let burst = 200.0
  /// Turns in a row that may do nothing at once: the loop was woken by somebody else.
  private static let quickTurns = 2
  /// How long a device that is there may lie, in nanoseconds, and how often at least.
  private static let patience: UInt64 = 5_000_000_000
  private static let mostQuickTurns = 2_000
  private static let mostErrors = 50

  private var rate = 0.0
  private var mostExcess = 0.0
  private var last: UInt64  // when the turn before ended
  private var lastMovement: UInt64
  private var excess = 0.0  // frames that moved although there was no time for them
  private var credit = burst
  private var quick = 0  // turns in a row that did nothing and took no time
  private var quickSinceMovement = 0
  private var errors = 0  // since the last movement

  init(_ settings: PCMSettings, now: UInt64) {
    last = now
    lastMovement = now
    adopt(settings)
  }

  /// The device was opened again, perhaps with other settings.
  mutating func adopt(_ settings: PCMSettings) {
    rate = Double(settings.rate)
    // A second, and what the device may hold.
    mostExcess = rate + Double(settings.bufferFrames)
  }

  /// - Parameters:
  ///   - frames: frames that the turn moved.
  ///   - start: when the turn began, in nanoseconds; what the loop sleeps between turns is not in it.
  ///   - now: when it ended.
  mutating func see(_ outcome: DeviceOutcome, frames: Int, from start: UInt64, to now: UInt64) -> Verdict {
    let elapsed = now > last ? Double(now - last) * 1e-9 : 0
    // A loop that was kept from running sees an xrun at each turn; the device is not to blame.
    let tookNoTime = elapsed < 5e-3 && (now <= start || now - start < Self.pause)
    last = max(last, now)
    credit = min(credit + elapsed * Self.turnsPerSecond, Self.burst) - 1
    excess = max(excess + Double(frames) - elapsed * rate * Self.fastest, 0)
    if excess > mostExcess { return .giveUp(.noClock) }
    if frames > 0 {
      lastMovement = now
      (quick, quickSinceMovement, errors) = (0, 0, 0)
    } else {
      countNothing(outcome, tookNoTime)
      let isLying = quickSinceMovement >= Self.mostQuickTurns || errors >= Self.mostErrors
      if isLying, now > lastMovement, now - lastMovement > Self.patience {
        return .giveUp(errors >= Self.mostErrors ? .onlyErrors : .readyWithNothing)
      }
      if quick > Self.quickTurns { return .sleep }
    }
    if credit < 1 {
      credit = max(credit, 0)
      return .sleep
    }
    return .goOn
  }

  private mutating func countNothing(_ outcome: DeviceOutcome, _ tookNoTime: Bool) {
    switch outcome {
    case .xrun: errors += tookNoTime ? 1 : 0
    case .reopened: errors += 1
    // Quiet for half a second: this one has no sound, but it does not lie.
    case .stalled: errors = 0
    default: break
    }
    if tookNoTime {
      quick += 1
      quickSinceMovement += 1
    } else {
      quick = 0
    }
  }
}

/// What a device does that no device can do.
package enum DeviceFault: UInt8, Equatable, Sendable {
  /// It moves sound faster than time passes.
  case noClock = 1
  /// It says again and again that there is something, and there is nothing.
  case readyWithNothing
  /// It can be opened and started, and then only fails.
  case onlyErrors
}

/// The fault for which a loop has given its device up; any thread may ask.
final class FaultCell: Sendable {
  private let value = Atomic<UInt8>(0)

  var fault: DeviceFault? { DeviceFault(rawValue: value.load(ordering: .acquiring)) }
  func set(_ fault: DeviceFault) { value.store(fault.rawValue, ordering: .releasing) }
}
