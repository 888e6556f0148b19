internal import Base
import Synchronization

/// A loudspeaker: its thread plays a ring of mono sound at 24 kHz, and one other thread fills the ring.
package final class ALSAPlayback: @unchecked Sendable {
  // Beyond this excess the queue is cut; below it the rate controller drains it inaudibly.
  private let excess: Double
  private static let fade = AudioFrame.sampleRate * 5 / 1000

  private let loop: PlaybackLoop<ALSAPort>
  private let thread = DeviceThread()
  private var controller: RateController
  private let depthBits = Atomic<UInt64>(0)
  private var lastWritten: UInt64 = 0
  private var enqueued = 0
  private let scratch: UnsafeMutableBufferPointer<Float>

  package var settings: PCMSettings { loop.device.settings }
  /// What was really played, at the device's rate, and when.
  package var played: PlayedSound { loop.played }
  package var playedClock: StreamClock { loop.playedClock }
  package var counts: DeviceCounters.Snapshot { loop.counters.snapshot }
  package var isRealtime: Bool { thread.isRealtime }
  /// Why the device was given up, if it was; no sound moves after that.
  package var fault: AudioDeviceError? {
    loop.fault.fault.map { AudioDeviceError($0, loop.device.name, .playback) }
  }
  /// How much faster than the program's rate the queue is drained, in parts per million.
  package var stretchPartsPerMillion: Double {
    (Double(bitPattern: loop.stretchBits.load(ordering: .relaxed)) - 1) * 1e6
  }
  /// How long a block should wait, in seconds.
  package var targetSeconds: Double { controller.target }
  /// How long a block does wait, in seconds, smoothed.
  package var queueSeconds: Double { Double(bitPattern: depthBits.load(ordering: .relaxed)) }

  /// Opens the device; `start` sets it running.
  ///
  /// - Parameters:
  ///   - rate: the device's rate; nil takes the device's preferred rate.
  ///   - queueSeconds: how much sound should still wait, in addition to what the device holds, when the next block
  ///     comes: room for lateness.
  ///   - unevenSeconds: how much later than others some blocks come regularly, as where one pass serves several frames.
  ///   - spare: holds what is played when no block comes in time.
  ///   - onXrun: called in the playback thread after an underrun.
  package init(
    _ name: String, rate: Int? = nil, periodMilliseconds: Double = 10, periods: Int = 3,
    queueSeconds: Double? = nil, unevenSeconds: Double = 0,
    spare: SpareSlot = SpareSlot(samplesPerFrame: 1, capacity: 1),
    onXrun: @escaping @Sendable () -> Void = {}
  ) throws(AudioDeviceError) {
    let port = try ALSAPort.open(
      .init(
        name: name, direction: .playback, rate: rate, periodMilliseconds: periodMilliseconds,
        periods: periods))
    let ring = SampleRing(capacity: AudioFrame.sampleRate / 2)
    loop = PlaybackLoop(device: port, ring: ring, spare: spare, onXrun: onXrun)
    let period = port.settings.periodMilliseconds / 1000
    controller = RateController(target: (queueSeconds ?? period + 0.015) + unevenSeconds)
    excess = 0.015 + unevenSeconds
    scratch = .allocate(capacity: 4096)
  }

  deinit {
    stop()
    scratch.deallocate()
  }

  /// - Parameter priority: of SCHED_FIFO; 0 requests none.
  package func start(priority: Int32) throws(AudioDeviceError) {
    let loop = loop
    let beginning = thread.start(
      name: "playback", priority: priority, begin: { loop.begin() }, iterate: { _ = loop.iterate() },
      end: { loop.device.drop() })
    switch beginning {
    case .running: return
    case .refused: throw .unsupported(name: loop.device.name, .playback, setting: .start)
    case .unanswered: throw .noAnswer(name: loop.device.name, .playback)
    }
  }

  /// Tells the device to end, without waiting for it.
  package func askToStop() {
    thread.askToStop()
    loop.wake.post()
  }

  /// - Parameter nanoseconds: how long to wait for the device.
  /// - Returns: whether the device has ended. If not, it hangs in a call and its thread is abandoned.
  @discardableResult
  package func stop(nanoseconds: UInt64 = 300_000_000) -> Bool {
    askToStop()
    return thread.stop(nanoseconds: nanoseconds)
  }

  /// Seconds until a sample enqueued now must be in the queue, and until it would be heard.
  private func delays(at now: UInt64) -> (due: Double, heard: Double) {
    let next =
      enqueued + loop.insertedSamples.load(ordering: .relaxed) - loop.flushedSamples.load(ordering: .relaxed)
    func seconds(_ clock: StreamClock) -> Double? {
      clock.nanoseconds(at: Double(next)).map { Double(Int64(bitPattern: $0 &- now)) * 1e-9 }
    }
    let due = seconds(loop.dueClock) ?? controller.target
    return (due, seconds(loop.clock) ?? due + settings.bufferMilliseconds / 1000)
  }

  private static func receipt(_ now: UInt64, _ due: Double, _ heard: Double) -> PlaybackReceipt {
    func after(_ seconds: Double) -> UInt64 { now &+ UInt64(bitPattern: Int64(seconds * 1e9)) }
    return PlaybackReceipt(
      writtenNanoseconds: now, dueNanoseconds: after(due), dacNanoseconds: after(heard))
  }

  package func enqueue(_ block: Span<Float>) -> PlaybackReceipt {
    let now = MonotonicClock.now
    let (delay, heard) = delays(at: now)
    var receipt = Self.receipt(now, delay, heard)
    if lastWritten == 0 {
      // The first block is preceded by enough silence to bring the queue to its target.
      let missing = max(controller.target - delay, 0)
      pad(missing)
      receipt.dueNanoseconds &+= UInt64(missing * 1e9)
      receipt.dacNanoseconds &+= UInt64(missing * 1e9)
    } else if delay - controller.target > excess {
      let surplus = Int((delay - controller.target) * Double(AudioFrame.sampleRate))
      receipt.skippedSamples = min(surplus, block.count)
      loop.counters.count(.skipped(receipt.skippedSamples))
      controller.restart()
    } else {
      let interval = Double(now - lastWritten) * 1e-9
      controller.update(measured: max(delay, 0), interval: min(max(interval, 0.001), 0.5))
    }
    lastWritten = now
    loop.stretchBits.store(controller.stretch.bitPattern, ordering: .relaxed)
    depthBits.store(controller.depth.bitPattern, ordering: .relaxed)
    enqueued += write(block, skipping: receipt.skippedSamples)
    loop.wake.post()
    return receipt
  }

  package func offer(_ frames: Span<Float>) { loop.spare.offer(frames) }

  package func withdraw() -> Int { loop.spare.withdraw() }

  package func concede(_ block: Span<Float>) -> PlaybackReceipt {
    let now = MonotonicClock.now
    let (delay, heard) = delays(at: now)
    lastWritten = now
    enqueued += block.count
    return Self.receipt(now, delay, heard)
  }

  private func pad(_ seconds: Double) {
    let count = min(max(Int(seconds * Double(AudioFrame.sampleRate)), 0), scratch.count)
    scratch.update(repeating: 0)
    enqueued += write(UnsafeBufferPointer(rebasing: scratch[..<count]))
  }

  private func write(_ block: Span<Float>, skipping skipped: Int) -> Int {
    if skipped == 0 { return loop.ring.write(block) }
    let rest = block.count - skipped
    let fade = min(Self.fade, rest)
    guard rest > 0, rest <= scratch.count else { return 0 }
    for index in 0..<rest {
      let weight = index < fade ? Float(index) / Float(fade) : 1
      scratch[index] = block[index] * (1 - weight) + block[skipped + index] * weight
    }
    return write(UnsafeBufferPointer(rebasing: scratch[..<rest]))
  }

  private func write(_ block: UnsafeBufferPointer<Float>) -> Int { loop.ring.write(block.span) }

  /// Discards the queue: the loudspeaker falls silent once the device has played what it holds.
  package func flush() {
    loop.flushRequest.store(true, ordering: .releasing)
    loop.wake.post()
  }
}
