import Synchronization

/// Checks what a device reports, iteration by iteration, and detects what cannot be true.
///
/// A loop that believes everything is at the mercy of the device: one that is always ready makes a thread with
/// real-time priority spin, and the machine freezes.
struct DeviceWatch {
  /// What the loop must do after an iteration.
  enum Verdict: Equatable {
    case goOn
    /// Sleep for `DeviceWatch.pause` first.
    case sleep
    /// Stop using the device.
    case giveUp(DeviceFault)
  }

  /// Nanoseconds. An iteration that sleeps this long costs next to nothing, and no device has periods this short.
  static let pause: UInt64 = 1_000_000
  /// No clock runs this much faster than its nominal rate.
  private static let fastest = 1.05
  /// Iterations per second that may follow without a pause, and how many may come at once.
  private static let iterationsPerSecond = 2_000.0
  private static let burst = 200.0
  /// Consecutive iterations that may do nothing and take no time, because another thread woke the loop.
  private static let quickIterations = 2
  /// How long a device may misreport before it is given up, in nanoseconds, and the fewest times.
  private static let patience: UInt64 = 5_000_000_000
  private static let mostQuickTurns = 2_000
  private static let mostErrors = 50

  private var rate = 0.0
  private var mostExcess = 0.0
  private var last: UInt64  // when the previous iteration ended
  private var lastMovement: UInt64
  private var excess = 0.0  // frames that moved beyond what the elapsed time allows
  private var credit = burst
  private var quick = 0  // consecutive iterations that did nothing and took no time
  private var quickSinceMovement = 0
  private var errors = 0  // since the last movement

  init(_ settings: PCMSettings, now: UInt64) {
    last = now
    lastMovement = now
    adopt(settings)
  }

  /// The device was reopened, perhaps with other settings.
  mutating func adopt(_ settings: PCMSettings) {
    rate = Double(settings.rate)
    // One second, plus what the device may hold.
    mostExcess = rate + Double(settings.bufferFrames)
  }

  /// - Parameters:
  ///   - frames: frames that were transferred.
  ///   - start: when the iteration began, in nanoseconds; the loop's own sleep between iterations is not in it.
  ///   - now: when it ended.
  mutating func see(_ outcome: DeviceOutcome, frames: Int, from start: UInt64, to now: UInt64) -> Verdict {
    let elapsed = now > last ? Double(now - last) * 1e-9 : 0
    // A loop that is starved of CPU time sees an xrun every time; the device is not to blame.
    let tookNoTime = elapsed < 5e-3 && (now <= start || now - start < Self.pause)
    last = max(last, now)
    credit = min(credit + elapsed * Self.iterationsPerSecond, Self.burst) - 1
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
      if quick > Self.quickIterations { return .sleep }
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
    // Silent for half a second: this device has no sound, but its reports are true.
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

/// What a device does that no working device can do.
package enum DeviceFault: UInt8, Equatable, Sendable {
  /// It moves sound faster than time passes.
  case noClock = 1
  /// It keeps reporting that it is ready, but transfers nothing.
  case readyWithNothing
  /// It can be opened and started, but then only fails.
  case onlyErrors
}

/// The fault for which a loop has given up its device. Any thread may read it.
final class FaultCell: Sendable {
  private let value = Atomic<UInt8>(0)

  var fault: DeviceFault? { DeviceFault(rawValue: value.load(ordering: .acquiring)) }
  func set(_ fault: DeviceFault) { value.store(fault.rawValue, ordering: .releasing) }
}
