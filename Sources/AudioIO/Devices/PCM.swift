internal import Base

/// The settings that a device agreed to.
package struct PCMSettings: Equatable, Sendable {
  package var direction: AudioDirection
  /// Frames per second.
  package var rate: Int
  package var channels: Int
  package var format: SampleFormat
  /// Frames that the device moves at once.
  package var periodFrames: Int
  /// Frames that the device holds at most.
  package var bufferFrames: Int

  package var bytesPerFrame: Int { channels * format.bytes }
  package var periodMilliseconds: Double { 1000 * Double(periodFrames) / Double(rate) }
  package var bufferMilliseconds: Double { 1000 * Double(bufferFrames) / Double(rate) }
}

/// The state of a device at one moment.
struct PCMStatus {
  /// Frames that can be read or written now.
  var available = 0
  /// Frames between the program and the converter: queued before the loudspeaker, or recorded and not yet read.
  var delay = 0
  /// The moment, on `MonotonicClock`.
  var nanoseconds: UInt64 = 0
  /// Whether the driver took the time; if not, the program did.
  var isHardwareTime = false

  /// Clamps the numbers to what is possible with these settings, so that arithmetic with them is safe.
  mutating func bound(by settings: PCMSettings) {
    available = min(max(available, 0), settings.bufferFrames)
    delay = min(max(delay, 0), 10 * settings.rate)
  }
}

/// A sound device at the level of single transfers. Like system calls, its functions return a negative error number.
///
/// The capture and playback loops are generic over it, so that a test can simulate a failing device.
protocol PCM: AnyObject, Sendable {
  var settings: PCMSettings { get }
  /// Transfers at most `frames` interleaved frames, without waiting; returns how many.
  func transfer(_ raw: UnsafeMutableRawPointer, _ frames: Int) -> Int
  /// Waits until a period can be transferred: returns 1, or 0 after `milliseconds`.
  func wait(milliseconds: Int) -> Int
  /// Fills in `status` for the current moment.
  func update(_ status: inout PCMStatus) -> Int
  func prepare() -> Int
  func start() -> Int
  func resume() -> Int
  /// Stops at once and discards what is queued.
  func drop()
  /// Reopens the device after it was lost. `settings` may change.
  func reopen() -> Bool
  /// The clock by which the device is judged, in nanoseconds, and a sleep on that clock.
  var now: UInt64 { get }
  func pause(nanoseconds: UInt64)
}

extension PCM {
  var now: UInt64 { MonotonicClock.now }
  func pause(nanoseconds: UInt64) { MonotonicClock.sleep(nanoseconds: nanoseconds) }

  /// `update`, with the result clamped to what is possible.
  func boundedUpdate(_ status: inout PCMStatus) -> Int {
    let error = update(&status)
    if error >= 0 { status.bound(by: settings) }
    return error
  }

  /// `transfer`, with a result of at most `frames`.
  func boundedTransfer(_ raw: UnsafeMutableRawPointer, _ frames: Int) -> Int {
    min(transfer(raw, frames), frames)
  }

  /// Carries out the watch's verdict on an iteration.
  func obey(_ verdict: DeviceWatch.Verdict, _ fault: FaultCell) {
    switch verdict {
    case .goOn: break
    case .sleep: pause(nanoseconds: DeviceWatch.pause)
    case .giveUp(let reason):
      fault.set(reason)
      drop()
    }
  }

  /// What a loop does in each iteration once its device has been given up.
  func rest() -> DeviceOutcome {
    pause(nanoseconds: 20_000_000)
    return .idle
  }
}
