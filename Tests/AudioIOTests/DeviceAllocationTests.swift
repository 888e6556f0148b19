import Base
import CTestSupport
import Glibc
import Synchronization
import Testing

@testable import AudioIO

/// The audio threads must never wait: they neither allocate nor free memory, and take no lock.
@Suite("Allocations and locks of the audio threads", .enabled(if: ap_test_counts_work()))
struct DeviceAllocationTests {
  private struct Work: Equatable {
    var allocations: Int64 = 0
    var locks: Int64 = 0
  }

  /// What this thread did during `body`.
  private func count(_ body: () -> Void) -> Work {
    let before = ap_test_locks()
    ap_test_counting_begins()
    body()
    let allocations = ap_test_counting_ends()
    return Work(allocations: allocations, locks: ap_test_locks() - before)
  }

  @Test("the counter sees an allocation and a lock")
  func counter() {
    var kept: [[Int]] = []
    kept.reserveCapacity(4)
    var mutex = pthread_mutex_t()
    let work = count {
      kept.append([kept.count, 2, 3])
      pthread_mutex_lock(&mutex)
      pthread_mutex_unlock(&mutex)
    }
    #expect(work.allocations >= 1 && work.locks == 1)
    #expect(kept.count == 1)
  }

  @Test("capture: none, at any rate and with any canceller", arguments: [24_000, 44_100, 48_000])
  func capture(rate: Int) {
    for mode in EchoMode.allCases {
      let device = ScriptedPCM(.capture, rate: rate, period: rate / 100, buffer: rate / 10)
      device.input = { Float($0 % 97) / 200 }
      let canceller = EchoCanceller(mode, played: PlayedSound(), clock: StreamClock(), rate: 48_000)
      let loop = CaptureLoop(
        device: device, ring: SampleRing(capacity: 24_000), wake: Wake(), canceller: canceller)
      #expect(loop.begin())
      func run(_ periods: Int) {
        for _ in 0..<periods {
          device.pass(rate / 100)
          _ = loop.iterate()
          _ = loop.ring.skip(.max)
        }
      }
      run(50)
      #expect(count { run(100) } == Work())
    }
  }

  @Test("playback: none while the speed changes, and sound ends and resumes")
  func playback() {
    let device = ScriptedPCM(.playback)
    device.keepsOutput = false
    let loop = PlaybackLoop(device: device, ring: SampleRing(capacity: 24_000))
    #expect(loop.begin())
    let sound = tone(500, count: 240)
    func run(_ periods: Int) {
      for period in 0..<periods {
        if period % 50 < 40 { loop.ring.write(sound.span) }
        loop.stretchBits.store((1 + Double(period % 11 - 5) * 0.0005).bitPattern, ordering: .relaxed)
        device.pass(480)
        while case .moved = loop.iterate() {}
      }
    }
    run(200)
    #expect(count { run(1000) } == Work())
  }

  @Test("none while recovering from an overrun and an underrun")
  func recovery() {
    let microphone = ScriptedPCM(.capture)
    let capture = CaptureLoop(device: microphone, ring: SampleRing(capacity: 24_000), wake: Wake())
    let loudspeaker = ScriptedPCM(.playback)
    loudspeaker.keepsOutput = false
    let playback = PlaybackLoop(device: loudspeaker, ring: SampleRing(capacity: 24_000))
    #expect(capture.begin() && playback.begin())
    func run() {
      for _ in 0..<100 {
        microphone.hasRunOut = true
        loudspeaker.pass(2000)
        _ = capture.iterate()
        _ = playback.iterate()
      }
    }
    run()
    #expect(count { run() } == Work())
    #expect(capture.counters.snapshot.xruns == 200 && playback.counters.snapshot.xruns == 200)
  }

  @Test("a real ALSA device adds none")
  func null() throws {
    let port = try ALSAPort.open(.init(name: "null", direction: .capture))
    let capture = CaptureLoop(
      device: port, ring: SampleRing(capacity: 24_000), wake: Wake(), isWatched: false)
    let output = try ALSAPort.open(.init(name: "null", direction: .playback))
    let playback = PlaybackLoop(device: output, ring: SampleRing(capacity: 24_000), isWatched: false)
    #expect(capture.begin() && playback.begin())
    let sound = tone(500, count: 240)
    func run() {
      for _ in 0..<500 {
        _ = capture.iterate()
        _ = capture.ring.skip(.max)
        playback.ring.write(sound.span)
        _ = playback.iterate()
      }
    }
    run()
    #expect(count { run() } == Work())
  }
}
