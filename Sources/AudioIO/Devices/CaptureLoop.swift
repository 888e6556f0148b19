internal import Base
import Glibc
import Synchronization

/// What the capture thread does, turn by turn: device -> mono -> 24 kHz -> echo canceller -> ring.
///
/// Once running it neither allocates nor locks, save to bring back a device that was lost.
final class CaptureLoop<Device: PCM>: @unchecked Sendable {
  let device: Device
  let ring: SampleRing
  /// When each sample of the ring passed the converter.
  let clock = StreamClock()
  let counters = DeviceCounters()
  /// Posted whenever the ring has more.
  let wake: Wake
  /// Set by playback after it ran dry: what waits in the device is late by then.
  let backlogRequest = Atomic<Bool>(false)

  /// Set when the device was given up; `turn` only sleeps then.
  let fault = FaultCell()

  private let canceller: EchoCanceller?
  private var recovery = DeviceRecovery()
  private var watch: DeviceWatch?
  private var moved = 0  // frames in this turn
  private var status = PCMStatus()
  private var path: Path
  /// Periods still to be thrown away, so that nothing old is in the device at the start.
  private var primingPeriods = 0
  private var lastMovement: UInt64 = 0
  private var isStalled = false
  private var accepted = 0  // samples offered to the ring, less those it refused

  /// The buffers and the resampler for one setting of the device.
  private struct Path {
    var raw: UnsafeMutableRawPointer  // (period, channels)
    var mono: UnsafeMutableBufferPointer<Float>  // (period)
    var block: UnsafeMutableBufferPointer<Float>  // at 24 kHz, at least a period and a canceller's block
    var pending = 0  // samples in `block` that wait for the canceller's block to be full
    var resampler: Resampler?
    var fed = 0  // frames since the start of this path
    var base = 0.0  // index in the ring of its first

    init(_ settings: PCMSettings) {
      raw = .allocate(byteCount: settings.periodFrames * settings.bytesPerFrame, alignment: 16)
      mono = .allocate(capacity: settings.periodFrames)
      let converted = settings.periodFrames * AudioFrame.sampleRate / settings.rate + 64
      block = .allocate(capacity: converted + EchoFilter.blockSize)
      if settings.rate != AudioFrame.sampleRate {
        // This kind of filter, made for changing ratios, holds back 2 to 4 ms; the other one 12 to 17.
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

  /// - Parameter isWatched: whether a device that lies is given up.
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

  /// Starts the device. What it has already is thrown away during the first turns.
  func begin() -> Bool {
    device.drop()
    guard device.prepare() >= 0, device.start() >= 0 else { return false }
    primingPeriods = 3
    clock.restart()
    return true
  }

  func turn() -> DeviceOutcome {
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
    // Ready, and then nothing there: one that goes on saying so is started again as one that says nothing.
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

  /// Skips `moved` frames when more wait behind them than should; returns how many samples that is at 24 kHz.
  private func skipBacklog(_ moved: Int) -> Int? {
    let period = device.settings.periodFrames
    let isAsked = backlogRequest.exchange(false, ordering: .relaxed)
    if primingPeriods > 0 {
      primingPeriods -= 1
      if primingPeriods == 0, status.available >= period { primingPeriods = 1 }
      // Nobody waited for these: they are not counted.
      return 0
    }
    // 60 ms behind is no jitter: the program, or the sound server, was stopped.
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
    // A device that gives nothing after that either is opened anew.
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

  /// Hands the block, or the part of it that the canceller can work on, to the ring.
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
