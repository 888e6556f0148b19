internal import Base

/// What was asked of a device and what it agreed to.
package struct PCMSettings: Equatable, Sendable {
  package var direction: AudioDirection
  /// Frames per second.
  package var rate: Int
  package var channels: Int
  package var format: SampleFormat
  /// Frames the device moves at once.
  package var periodFrames: Int
  /// Frames the device holds at most.
  package var bufferFrames: Int

  package var bytesPerFrame: Int { channels * format.bytes }
  package var periodMilliseconds: Double { 1000 * Double(periodFrames) / Double(rate) }
  package var bufferMilliseconds: Double { 1000 * Double(bufferFrames) / Double(rate) }
}

/// Where a device stands at one moment.
struct PCMStatus {
  /// Frames that can be read or written now.
  var available = 0
  /// Frames between the program and the converter: those queued before the loudspeaker, or recorded and not yet read.
  var delay = 0
  /// The moment, on `MonotonicClock`.
  var nanoseconds: UInt64 = 0
  /// Whether the moment was stamped by the driver; otherwise by the program.
  var isHardwareTime = false

  /// Keeps the numbers within what a device of these settings can mean, so that arithmetic with them is safe.
  mutating func bound(by settings: PCMSettings) {
    available = min(max(available, 0), settings.bufferFrames)
    delay = min(max(delay, 0), 10 * settings.rate)
  }
}

/// A sound device at the level of single transfers. Calls return a negative error number, as the system's do.
///
/// The loops of capture and playback are generic over it, so that a test can play a device that fails.
protocol PCM: AnyObject, Sendable {
  var settings: PCMSettings { get }
  /// Moves at most `frames` interleaved frames, without waiting; returns how many.
  func transfer(_ raw: UnsafeMutableRawPointer, _ frames: Int) -> Int
  /// Waits until a period can be moved: 1, or 0 when `milliseconds` have passed.
  func wait(milliseconds: Int) -> Int
  /// Fills in where the device stands.
  func update(_ status: inout PCMStatus) -> Int
  func prepare() -> Int
  func start() -> Int
  func resume() -> Int
  /// Stops at once and forgets what is queued.
  func drop()
  /// Opens the device again after it was lost. `settings` may change.
  func reopen() -> Bool
  /// The time by which the device is judged, in nanoseconds, and a sleep on that clock.
  var now: UInt64 { get }
  func pause(nanoseconds: UInt64)
}

extension PCM {
  var now: UInt64 { MonotonicClock.now }
  func pause(nanoseconds: UInt64) { MonotonicClock.sleep(nanoseconds: nanoseconds) }

  /// `update`, with nothing in it that a device cannot mean.
  func boundedUpdate(_ status: inout PCMStatus) -> Int {
    let error = update(&status)
    if error >= 0 { status.bound(by: settings) }
    return error
  }

  /// `transfer`, never more than was asked for.
  func boundedTransfer(_ raw: UnsafeMutableRawPointer, _ frames: Int) -> Int {
    min(transfer(raw, frames), frames)
  }

  /// Does what the watch says after a turn.
  func obey(_ verdict: DeviceWatch.Verdict, _ fault: FaultCell) {
    switch verdict {
    case .goOn: break
    case .sleep: pause(nanoseconds: DeviceWatch.pause)
    case .giveUp(let reason):
      fault.set(reason)
      drop()
    }
  }

  /// What a loop does instead of a turn once its device was given up.
  func rest() -> DeviceOutcome {
    pause(nanoseconds: 20_000_000)
    return .idle
  }
}
