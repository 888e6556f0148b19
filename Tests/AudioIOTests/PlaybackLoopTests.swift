import Base
import Glibc
import Synchronization
import Testing

@testable import AudioIO

@Suite("The playback loop")
struct PlaybackLoopTests {
  private func makeLoop(_ device: ScriptedPCM) -> PlaybackLoop<ScriptedPCM> {
    let loop = PlaybackLoop(device: device, ring: SampleRing(capacity: 24_000))
    #expect(loop.begin())
    return loop
  }

  private func run(_ loop: PlaybackLoop<ScriptedPCM>, periods: Int, sound: (Int) -> [Float]) {
    for period in 0..<periods {
      let block = sound(period)
      if !block.isEmpty { loop.ring.write(block.span) }
      loop.device.pass(loop.device.settings.periodFrames)
      while case .moved = loop.iterate() {}
    }
  }

  @Test("the device is full of silence before it starts")
  func primed() {
    let device = ScriptedPCM(.playback)
    _ = makeLoop(device)
    #expect(device.queued == 1440 && device.started == 1)
    #expect(device.output.allSatisfy { $0 == 0 })
  }

  @Test("what goes in comes out, without a gap", arguments: [(24_000, 240), (48_000, 480), (44_100, 441)])
  func continuous(rate: Int, period: Int) {
    let device = ScriptedPCM(.playback, rate: rate, period: period, buffer: 3 * period)
    let loop = makeLoop(device)
    let sound = tone(1000, count: 48_000)
    // One block ahead, as in a conversation.
    loop.ring.write(sound.span.extracting(0..<1920))
    run(loop, periods: 180) { Array(sound[1920 + 240 * $0..<1920 + 240 * ($0 + 1)]) }
    let heard = device.output.drop { $0 == 0 }
    #expect(heard.count > rate * 3 / 2)
    #expect(toneToRest(heard[(heard.startIndex + 2000)...].dropLast(100), 1000, rate: Double(rate)) > 75)
    #expect(loop.counters.snapshot.gaps == 0 && loop.counters.snapshot.xruns == 0)
  }

  @Test("missing sound becomes silence, counted as one gap, and the device does not underrun")
  func gap() {
    let device = ScriptedPCM(.playback)
    let loop = makeLoop(device)
    let sound = tone(500, count: 2880)
    // Two periods ahead each time, as from a queue.
    let next = { (period: Int) in Array(sound[(period == 0 ? 0 : 480 + 240 * period)..<720 + 240 * period]) }
    run(loop, periods: 9, sound: next)
    run(loop, periods: 20) { _ in [] }
    run(loop, periods: 9, sound: next)
    let counts = loop.counters.snapshot
    #expect(counts.gaps == 1 && counts.xruns == 0)
    #expect(counts.insertedSamples > 15 * 240 && counts.insertedSamples <= 19 * 240)
    let step = zip(device.output, device.output.dropFirst()).map { abs($0 - $1) }.max()!
    #expect(step < 0.1, "no click at the edges")
  }

  @Test("where sound is missing at the last moment a spare frame is played, without a gap, and then silence")
  func spare() {
    let (device, slot) = (ScriptedPCM(.playback), SpareSlot(samplesPerFrame: 1920, capacity: 2))
    let loop = PlaybackLoop(device: device, ring: SampleRing(capacity: 24_000), spare: slot)
    #expect(loop.begin())
    // A tone of three frames; the second is offered as a spare, and comes too late.
    let sound = tone(500, count: 3 * 1920)
    loop.ring.write(sound.span.extracting(0..<1920))
    slot.offer(sound.span.extracting(1920..<3840))
    run(loop, periods: 10) { _ in [] }
    #expect(slot.withdraw() == 1 && slot.isPlaying)
    loop.ring.write(sound.span.extracting(3840..<5760))
    run(loop, periods: 11) { _ in [] }
    #expect(loop.counters.snapshot.gaps == 0)
    let heard = device.output.drop { $0 == 0 }
    #expect(toneToRest(heard[(heard.startIndex + 500)...].prefix(9000), 500, rate: Double(48_000)) > 60)
    run(loop, periods: 10) { _ in [] }
    #expect(loop.counters.snapshot.gaps == 1, "nothing was offered any more")
  }

  @Test("a flush ends a spare frame, too")
  func flushedSpare() {
    let (device, slot) = (ScriptedPCM(.playback), SpareSlot(samplesPerFrame: 1920, capacity: 1))
    let loop = PlaybackLoop(device: device, ring: SampleRing(capacity: 24_000), spare: slot)
    #expect(loop.begin())
    loop.ring.write(tone(500, count: 480).span)
    slot.offer(tone(500, count: 1920).span)
    run(loop, periods: 6) { _ in [] }
    #expect(slot.isPlaying)
    loop.flushRequest.store(true, ordering: .relaxed)
    run(loop, periods: 10) { _ in [] }
    #expect(!slot.isPlaying && loop.counters.snapshot.gaps == 0)
    #expect(loop.flushedSamples.load(ordering: .relaxed) > 600)
    // What is on offer is not begun in the silence that was asked for.
    _ = slot.withdraw()
    slot.offer(tone(500, count: 1920).span)
    run(loop, periods: 5) { _ in [] }
    #expect(slot.withdraw() == 0)
  }

  @Test("silence before the first sound is not counted")
  func before() {
    let loop = makeLoop(ScriptedPCM(.playback))
    run(loop, periods: 20) { _ in [] }
    #expect(loop.counters.snapshot == .init())
  }

  @Test("silence is deferred until the device has room for a period")
  func lateSilence() {
    let device = ScriptedPCM(.playback)
    let loop = makeLoop(device)
    device.pass(240)
    #expect(loop.iterate() == .idle)
    device.pass(240)
    #expect(loop.iterate() == .moved(480))
  }

  @Test("after an underrun the device is refilled and restarted, and the underrun is reported")
  func underrun() {
    let told = Wake()
    let device = ScriptedPCM(.playback)
    let loop = PlaybackLoop(device: device, ring: SampleRing(capacity: 24_000)) { told.post() }
    #expect(loop.begin())
    device.pass(2000)
    #expect(loop.iterate() == .xrun)
    #expect(device.queued == 1440 && device.started == 2)
    #expect(told.wait(nanoseconds: 0))
    #expect(loop.counters.snapshot.xruns == 1)
  }

  @Test("a lost device is reopened with silence queued")
  func unplugged() {
    let device = ScriptedPCM(.playback)
    let loop = makeLoop(device)
    device.failures = [ENODEV]
    #expect(loop.iterate() == .lost)
    var iterations = 0
    while loop.iterate() != .reopened, iterations < 1000 { iterations += 1 }
    #expect(device.queued == 1440 && device.reopened == 1)
  }

  @Test("a flush discards the queue")
  func flush() {
    let device = ScriptedPCM(.playback)
    let loop = makeLoop(device)
    let sound = tone(500, count: 9600)
    loop.ring.write(sound.span)
    run(loop, periods: 3) { _ in [] }
    loop.flushRequest.store(true, ordering: .relaxed)
    run(loop, periods: 10) { _ in [] }
    #expect(loop.ring.count == 0)
    #expect(device.output.suffix(480).allSatisfy { abs($0) < 1e-4 })
    #expect(loop.counters.snapshot.gaps == 0, "silence that was asked for is no gap")
    #expect(loop.flushedSamples.load(ordering: .relaxed) > 8000)
  }

  @Test("every sample has the time at which it will be heard")
  func time() throws {
    let device = ScriptedPCM(.playback, rate: 24_000, period: 240, buffer: 720)
    let loop = makeLoop(device)
    loop.ring.write(tone(500, count: 4800).span)
    run(loop, periods: 15) { _ in [] }
    // The next sample that is written plays when the queue before it has been played.
    let next = 4800 + loop.insertedSamples.load(ordering: .relaxed)
    let time = try #require(loop.clock.nanoseconds(at: Double(next)))
    let waiting = device.frames + device.queued + loop.ring.count
    let expected = 1_000_000_000 + UInt64(waiting) * 1_000_000_000 / 24_000
    #expect(abs(Int64(bitPattern: time &- expected)) < 5_000_000)
  }

  @Test("the history holds what was played, including silence")
  func history() {
    let device = ScriptedPCM(.playback)
    let loop = makeLoop(device)
    loop.ring.write(tone(500, count: 2400).span)
    run(loop, periods: 40) { _ in [] }
    var block = [Float](repeating: 9, count: loop.played.count)
    block.withUnsafeMutableBufferPointer { block in loop.played.copy(from: 0, into: block) }
    #expect(block == device.output)
    #expect(block.contains { $0 > 0.4 })
  }
}
