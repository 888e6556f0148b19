import Base
import Glibc
import Synchronization
import Testing

@testable import AudioIO

@Suite("The capture loop")
struct CaptureLoopTests {
  private func makeLoop(_ device: ScriptedPCM, capacity: Int = 24_000) -> CaptureLoop<ScriptedPCM> {
    let loop = CaptureLoop(device: device, ring: SampleRing(capacity: capacity), wake: Wake())
    #expect(loop.begin())
    return loop
  }

  /// Runs until the sound from before the start has been discarded.
  private func prime(_ loop: CaptureLoop<ScriptedPCM>) {
    for _ in 0..<4 {
      loop.device.pass(loop.device.settings.periodFrames)
      _ = loop.iterate()
    }
    _ = loop.ring.skip(.max)
  }

  private func samples(_ loop: CaptureLoop<ScriptedPCM>) -> [Float] {
    var block = [Float](repeating: 0, count: loop.ring.count)
    var span = block.mutableSpan
    loop.ring.read(into: &span)
    return block
  }

  @Test("what waits in the device at the start never reaches the ring")
  func priming() {
    let device = ScriptedPCM(.capture, buffer: 4800)
    let loop = makeLoop(device)
    device.pass(4800)
    var iterations = 0
    while device.queued >= 480 {
      #expect(loop.iterate() == .skipped(0))
      iterations += 1
    }
    #expect(iterations == 10 && loop.ring.count == 0 && loop.counters.snapshot.skippedSamples == 0)
    device.pass(480)
    #expect(loop.iterate() == .moved(480))
  }

  @Test(
    "every format and channel count becomes the same mono sound",
    arguments: SampleFormat.allCases, [1, 2, 6])
  func formats(format: SampleFormat, channels: Int) {
    let device = ScriptedPCM(.capture, rate: 24_000, channels: channels, format: format, period: 240)
    device.input = { Float($0 % 100) / 128 }
    let loop = makeLoop(device)
    prime(loop)
    device.pass(240)
    #expect(loop.iterate() == .moved(240))
    let first = device.frames - 240  // no resampler, so nothing is held back
    let pair = min(channels, 2)
    let expected = (0..<240).map { Float((first + $0) % 100) / 128 * Float(pair) / Float(channels) }
    let worst = zip(samples(loop), expected).map { abs($0 - $1) }.max()!
    #expect(worst <= 0x1p-15)
  }

  @Test("a tone at 48 kHz arrives at 24 kHz")
  func resampling() {
    let device = ScriptedPCM(.capture, buffer: 4800)
    device.input = { 0.5 * sin(2 * .pi * 1000 * Float($0 % 48) / 48_000) }
    let loop = makeLoop(device)
    prime(loop)
    var received: [Float] = []
    for _ in 0..<100 {
      device.pass(480)
      _ = loop.iterate()
      received += samples(loop)
    }
    #expect(abs(received.count - 24_000) < 300)
    #expect(toneToRest(received[2000...], 1000) > 80)
  }

  @Test("every sample has its capture time")
  func time() throws {
    let device = ScriptedPCM(.capture, rate: 24_000, period: 240)
    let loop = makeLoop(device)
    prime(loop)
    for _ in 0..<50 {
      device.pass(240)
      _ = loop.iterate()
    }
    // One of the 51 periods came while priming ended; the sample after the last would be captured right now.
    let now = 1_000_000_000 + UInt64(device.frames) * 1_000_000_000 / 24_000
    let time = try #require(loop.clock.nanoseconds(at: 51 * 240))
    #expect(abs(Int64(bitPattern: time &- now)) < 1000)
  }

  @Test("an overrun is counted, the device is restarted, and sound continues")
  func overrun() {
    let device = ScriptedPCM(.capture)
    let loop = makeLoop(device)
    prime(loop)
    device.failures = [EPIPE]
    #expect(loop.iterate() == .xrun)
    #expect(device.prepared == 2 && device.started == 2)
    for _ in 0..<8 {
      device.pass(480)
      _ = loop.iterate()
    }
    #expect(loop.ring.count > 0)
    #expect(loop.counters.snapshot.xruns == 1 && loop.counters.snapshot.losses == 0)
  }

  @Test("EAGAIN is not an event")
  func again() {
    let device = ScriptedPCM(.capture)
    let loop = makeLoop(device)
    prime(loop)
    device.failures = [EAGAIN]
    #expect(loop.iterate() == .idle)
    #expect(loop.counters.snapshot == .init())
  }

  @Test("after a suspension the device is resumed, and that counts once")
  func suspended() {
    let device = ScriptedPCM(.capture)
    let loop = makeLoop(device)
    prime(loop)
    device.failures = [ESTRPIPE, ESTRPIPE, ESTRPIPE]
    device.resumeResults = [EAGAIN, EAGAIN]
    #expect(loop.iterate() == .suspended)
    #expect(loop.iterate() == .idle)
    #expect(loop.iterate() == .idle)
    device.pass(480)
    #expect(loop.iterate() == .moved(480))
    #expect(loop.counters.snapshot.suspensions == 1 && device.prepared == 1)
  }

  @Test("a device that cannot be resumed is restarted")
  func restarted() {
    let device = ScriptedPCM(.capture)
    let loop = makeLoop(device)
    prime(loop)
    device.failures = [ESTRPIPE]
    device.resumeResults = [ENOSYS]
    #expect(loop.iterate() == .suspended)
    #expect(device.prepared == 2 && device.started == 2)
  }

  @Test("an unplugged device is reopened once it is back")
  func unplugged() {
    let device = ScriptedPCM(.capture)
    let loop = makeLoop(device)
    prime(loop)
    device.failures = [ENODEV]
    device.absences = 2
    #expect(loop.iterate() == .lost)
    var outcomes: [DeviceOutcome] = []
    while outcomes.last != .reopened, outcomes.count < 1000 { outcomes.append(loop.iterate()) }
    #expect(outcomes.dropLast().allSatisfy { $0 == .away })
    #expect(device.reopened == 1 && device.absences == 0)
    #expect(loop.counters.snapshot.losses == 1 && loop.counters.snapshot.reopens == 1)
    for _ in 0..<8 {
      device.pass(480)
      _ = loop.iterate()
    }
    #expect(loop.ring.count > 0)
  }

  @Test("a backlog from while the program was stopped is skipped and counted")
  func backlog() {
    let device = ScriptedPCM(.capture, buffer: 48_000)
    let loop = makeLoop(device)
    prime(loop)
    device.pass(14_400)  // 300 ms
    var outcomes: [DeviceOutcome] = []
    while device.queued >= 480 { outcomes.append(loop.iterate()) }
    #expect(outcomes.first == .skipped(240))
    #expect(loop.ring.count <= 240, "nothing older than a period is left")
    device.pass(480)
    #expect(loop.iterate() == .moved(480))
  }

  @Test("an underrun of playback requests that the backlog be skipped")
  func requestedDrop() {
    let device = ScriptedPCM(.capture, buffer: 48_000)
    let loop = makeLoop(device)
    prime(loop)
    device.pass(1440)
    loop.backlogRequest.store(true, ordering: .relaxed)
    #expect(loop.iterate() == .skipped(240))
    #expect(loop.iterate() != .moved(480))
  }
}
