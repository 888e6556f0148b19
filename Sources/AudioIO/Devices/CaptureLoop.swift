internal import Base
import Glibc
import Synchronization

/// The capture thread's loop: device -> mono -> 24 kHz -> echo canceller -> ring.
///
/// Once running it neither allocates nor locks, except to reopen a lost device.
final class CaptureLoop<Device: PCM>: @unchecked Sendable {
  let device: Device
  let ring: SampleRing
  /// When each sample of the ring passed the converter.
  let clock = StreamClock()
  let counters = DeviceCounters()
  /// Posted whenever the ring has more sound.
  let wake: Wake
  /// Set by playback after an underrun: what waits in the device is late by then.
  let backlogRequest = Atomic<Bool>(false)

  /// Set when the device was given up; from then on `iterate` only sleeps.
  let fault = FaultCell()

  private let canceller: EchoCanceller?
  private var recovery = DeviceRecovery()
  private var watch: DeviceWatch?
  private var moved = 0  // frames in this iteration
  private var status = PCMStatus()
  private var path: Path
  /// Periods still to be discarded, so that the session does not start with old sound.
  private var primingPeriods = 0
  private var lastMovement: UInt64 = 0
  private var isStalled = false
  private var accepted = 0  // samples offered to the ring, minus those it dropped

  /// The buffers and the resampler for one configuration of the device.
  private struct Path {
    var raw: UnsafeMutableRawPointer  // (period, channels)
    var mono: UnsafeMutableBufferPointer<Float>  // (period)
    var block: UnsafeMutableBufferPointer<Float>  // at 24 kHz, at least a period and a canceller's block
    var pending = 0  // samples in `block`, not yet enough for a block of the canceller
    var resampler: Resampler?
    var fed = 0  // frames since the start of this path
    var base = 0.0  // index in the ring of its first sample

    init(_ settings: PCMSettings) {
      raw = .allocate(byteCount: settings.periodFrames * settings.bytesPerFrame, alignment: 16)
      mono = .allocate(capacity: settings.periodFrames)
      let converted = settings.periodFrames * AudioFrame.sampleRate / settings.rate + 64
      block = .allocate(capacity: converted + EchoFilter.blockSize)
      if settings.rate != AudioFrame.sampleRate {
        // This filter, made for variable ratios, delays by 2 to 4 ms; the other one by 12 to 17.
        resampler = Resampler(
          from: Double(settings.rate), to: Double(AudioFrame.sampleRate), maximumStretch: 1)
      }
    }

    func free() {
      raw.deallocate()
      mono.deallocate()
      block.deallocate()
    }
  }

  /// - Parameter isWatched: whether to give up a device whose reports cannot be true.
  init(device: Device, ring: SampleRing, wake: Wake, canceller: EchoCanceller? = nil, isWatched: Bool = true)
  {
    precondition(device.settings.direction == .capture)
    self.device = device
    self.ring = ring
    self.wake = wake
    self.canceller = canceller
    path = Path(device.settings)
    watch = isWatched ? DeviceWatch(device.settings, now: device.now) : nil
  }

  deinit {
    path.free()
  }

  /// Starts the device. What it already holds is discarded in the first iterations.
  func begin() -> Bool {
    device.drop()
    guard device.prepare() >= 0, device.start() >= 0 else { return false }
    primingPeriods = 3
    clock.restart()
    return true
  }

  func iterate() -> DeviceOutcome {
    if fault.fault != nil { return device.rest() }
    let start = device.now
    moved = 0
    let outcome = advance()
    counters.count(outcome)
    if outcome == .reopened { watch?.adopt(device.settings) }
    if let verdict = watch?.see(outcome, frames: moved, from: start, to: device.now) {
      device.obey(verdict, fault)
    }
    return outcome
  }

  private func advance() -> DeviceOutcome {
    if recovery.isAway {
      let outcome = recovery.look(for: device) { begin() }
      if outcome == .reopened { renewPath() }
      return outcome
    }
    let ready = device.wait(milliseconds: 100)
    if ready < 0 { return recover(ready) }
    if ready == 0 { return checkStall() }
    let taken = device.boundedTransfer(path.raw, device.settings.periodFrames)
    // Reported ready, but nothing was there. A device that keeps doing so is restarted, like one that reports nothing.
    if taken == 0 || taken == Int(-EAGAIN) { return checkStall() }
    if taken < 0 { return recover(taken) }
    moved = taken
    lastMovement = device.now
    isStalled = false
    let error = device.boundedUpdate(&status)
    if error < 0 { return recover(error) }
    if let skipped = skipBacklog(moved) { return .skipped(skipped) }
    deliver(moved)
    return .moved(moved)
  }

  private func recover(_ error: Int) -> DeviceOutcome {
    recovery.recover(device, from: error) { begin() }
  }

  /// Skips `moved` frames if too many wait behind them; returns how many samples that is at 24 kHz.
  private func skipBacklog(_ moved: Int) -> Int? {
    let period = device.settings.periodFrames
    let isAsked = backlogRequest.exchange(false, ordering: .relaxed)
    if primingPeriods > 0 {
      primingPeriods -= 1
      if primingPeriods == 0, status.available >= period { primingPeriods = 1 }
      // Discarded priming periods were never part of the stream and are not counted.
      return 0
    }
    // Being 60 ms behind is not jitter: the program or the sound server was stopped.
    let isBehind = status.available > max(3 * period, device.settings.rate * 60 / 1000)
    guard isBehind || (isAsked && status.available >= period) else { return nil }
    primingPeriods = 1
    clock.restart()
    return moved * AudioFrame.sampleRate / device.settings.rate
  }

  private func checkStall() -> DeviceOutcome {
    let now = device.now
    if lastMovement == 0 { lastMovement = now }
    guard now - lastMovement > 500_000_000 else { return .idle }
    lastMovement = now
    isStalled.toggle()
    // A device that gives nothing even after a restart is reopened.
    return isStalled && begin() ? .stalled : recover(Int(-ENODEV))
  }

  private func deliver(_ frames: Int) {
    let settings = device.settings
    settings.format.unpack(
      path.raw, frames: frames, channels: settings.channels, into: path.mono.baseAddress!)
    var next = 0
    while next < frames {
      let free = UnsafeMutableBufferPointer(rebasing: path.block[path.pending...])
      let (used, made): (Int, Int)
      if let resampler = path.resampler {
        (used, made) = resampler.process(.init(rebasing: path.mono[next..<frames]), into: free)
      } else {
        used = min(frames - next, free.count)
        made = used
        free.baseAddress!.update(from: path.mono.baseAddress! + next, count: used)
      }
      next += used
      path.pending += made
      passOn()
      if used == 0 && made == 0 { break }
    }
    path.fed += frames
    let scale = Double(AudioFrame.sampleRate) / Double(settings.rate)
    let nanosecondsPerFrame = 1e9 / Double(settings.rate)
    clock.observe(
      path.base + Double(path.fed) * scale,
      at: status.nanoseconds &- UInt64(Double(max(status.delay, 0)) * nanosecondsPerFrame))
    wake.post()
  }

  /// Passes the block, or as much of it as fills whole blocks of the canceller, on to the ring.
  private func passOn() {
    var count = path.pending
    if let canceller {
      count -= count % EchoFilter.blockSize
      var start = 0
      while start < count {
        canceller.process(
          path.block.baseAddress! + start, capturedAt: clock.nanoseconds(at: Double(accepted + start)),
          jitter: clock.jitter, interruptions: clock.restarts)
        start += EchoFilter.blockSize
      }
    }
    guard count > 0 else { return }
    let ready = UnsafeBufferPointer(rebasing: path.block[..<count])
    let taken = ring.write(ready.span)
    accepted += taken
    path.base -= Double(count - taken)
    let rest = path.pending - count
    path.block.baseAddress!.update(from: path.block.baseAddress! + count, count: rest)
    path.pending = rest
  }

  private func renewPath() {
    path.free()
    path = Path(device.settings)
    path.base = Double(accepted)
  }
}
