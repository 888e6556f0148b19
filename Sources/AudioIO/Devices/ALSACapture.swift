package import Base
import Synchronization

/// A microphone: its thread fills a ring with mono sound at 24 kHz, and one other thread reads the ring.
package final class ALSACapture: @unchecked Sendable {
  private let loop: CaptureLoop<ALSAPort>
  private let thread = DeviceThread()
  /// Index in the stream of the next sample that `read` returns.
  package private(set) var position = 0

  package var settings: PCMSettings { loop.device.settings }
  /// When each sample of the stream was captured.
  package var clock: StreamClock { loop.clock }
  package var counts: DeviceCounters.Snapshot { loop.counters.snapshot }
  package var isRealtime: Bool { thread.isRealtime }
  /// Why the device was given up, if it was; no sound moves after that.
  package var fault: AudioDeviceError? {
    loop.fault.fault.map { AudioDeviceError($0, loop.device.name, .capture) }
  }

  /// Opens the device; `start` sets it running.
  ///
  /// - Parameters:
  ///   - rate: the device's rate; nil takes the device's preferred rate.
  ///   - wake: posted whenever there is more to read.
  package init(
    _ name: String, rate: Int? = nil, periodMilliseconds: Double = 10, wake: Wake,
    canceller: EchoCanceller? = nil
  ) throws(AudioDeviceError) {
    // A large buffer adds no delay here, because it is read as soon as anything is in it.
    let port = try ALSAPort.open(
      .init(
        name: name, direction: .capture, rate: rate, periodMilliseconds: periodMilliseconds, periods: 8))
    loop = CaptureLoop(
      device: port, ring: SampleRing(capacity: AudioFrame.sampleRate), wake: wake, canceller: canceller)
  }

  deinit {
    stop()
  }

  /// - Parameter priority: of SCHED_FIFO; 0 requests none.
  package func start(priority: Int32) throws(AudioDeviceError) {
    let loop = loop
    let beginning = thread.start(
      name: "capture", priority: priority, begin: { loop.begin() }, iterate: { _ = loop.iterate() },
      end: { loop.device.drop() })
    switch beginning {
    case .running: return
    case .refused: throw .unsupported(name: loop.device.name, .capture, setting: .start)
    case .unanswered: throw .noAnswer(name: loop.device.name, .capture)
    }
  }

  /// Tells the device to end, without waiting for it.
  package func askToStop() {
    thread.askToStop()
  }

  /// - Parameter nanoseconds: how long to wait for the device.
  /// - Returns: whether the device has ended. If not, it hangs in a call and its thread is abandoned.
  @discardableResult
  package func stop(nanoseconds: UInt64 = 300_000_000) -> Bool {
    askToStop()
    return thread.stop(nanoseconds: nanoseconds)
  }

  /// Number of samples waiting.
  package var count: Int { loop.ring.count }

  /// Takes the oldest samples, at most as many as `block` holds; returns how many it took.
  package func read(into block: inout MutableSpan<Float>) -> Int {
    let count = loop.ring.read(into: &block)
    position += count
    return count
  }

  /// Discards the oldest samples, at most `limit`; returns how many were discarded.
  package func skip(_ limit: Int) -> Int {
    let count = loop.ring.skip(limit)
    position += count
    return count
  }

  /// Discards what waits in the device, which is late. Any thread may call it.
  package func skipBacklog() {
    loop.backlogRequest.store(true, ordering: .relaxed)
  }
}
