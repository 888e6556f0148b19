import Base
import Glibc
import Testing

@testable import AudioIO

/// Both loops with devices that report impossible things.
@Suite("A device that misreports")
struct LyingDeviceTests {
  /// A loop of either direction.
  private struct Loop {
    let device: ScriptedPCM
    let iterate: () -> DeviceOutcome
    let fault: () -> DeviceFault?

    init(_ direction: AudioDirection, _ lie: (ScriptedPCM) -> Void) {
      let device = ScriptedPCM(direction)
      device.keepsOutput = false
      let ring = SampleRing(capacity: 24_000)
      switch direction {
      case .capture:
        let loop = CaptureLoop(device: device, ring: ring, wake: Wake())
        #expect(loop.begin())
        (iterate, fault) = ({ loop.iterate() }, { loop.fault.fault })
      case .playback:
        let loop = PlaybackLoop(device: device, ring: ring)
        #expect(loop.begin())
        (iterate, fault) = ({ loop.iterate() }, { loop.fault.fault })
      }
      self.device = device
      lie(device)
    }

    /// Runs iterations until this many seconds have passed on the device's clock, or the device was given up. An
    /// iteration takes 5 us.
    func run(seconds: Double) -> (iterations: Int, seconds: Double) {
      let begin = device.now
      var iterations = 0
      while fault() == nil, Double(device.now - begin) < seconds * 1e9 {
        _ = iterate()
        device.slept += 5_000
        iterations += 1
      }
      return (iterations, Double(device.now - begin) * 1e-9)
    }

    /// After the device was given up, the loop only sleeps.
    func expectRest() {
      let transfers = device.started
      let result = (0..<100).map { _ in iterate() }
      #expect(result.allSatisfy { $0 == .idle } && device.started == transfers)
    }
  }

  private static let directions: [AudioDirection] = [.capture, .playback]

  @Test("always ready, and everything moves: it has no clock", arguments: directions)
  func noClock(direction: AudioDirection) {
    let loop = Loop(direction) { device in
      device.waitLie = { 1 }
      device.transferLie = { $0 }
      device.updateLie = {
        $0.available = 1440
        $0.nanoseconds = device.now
        return 0
      }
    }
    let result = loop.run(seconds: 60)
    #expect(loop.fault() == .noClock && result.iterations < 200 && result.seconds < 0.1)
    let before = loop.device.now
    loop.expectRest()
    // At most fifty iterations per second.
    #expect(loop.device.now - before >= 100 * 20_000_000)
  }

  @Test("never ready: the loop waits, and polls ten times per second", arguments: directions)
  func neverReady(direction: AudioDirection) {
    let loop = Loop(direction) { device in
      device.waitLie = {
        device.slept += 100_000_000
        return 0
      }
      device.updateLie = {
        ($0.available, $0.nanoseconds) = (0, device.now)
        return 0
      }
    }
    let result = loop.run(seconds: 60)
    // While it is being reopened, a microphone's loop sleeps for shorter times.
    #expect(loop.fault() == nil && result.iterations < 60 * 20)
  }

  @Test(
    "ready with nothing: at most a thousand iterations per second, and given up after five seconds",
    arguments: directions, [0, -Int(EAGAIN), -Int(EINTR)])
  func readyWithNothing(direction: AudioDirection, answer: Int) {
    let loop = Loop(direction) { device in
      device.waitLie = { 1 }
      device.transferLie = { _ in answer }
      device.updateLie = {
        ($0.available, $0.nanoseconds) = (direction == .capture ? 480 : 1440, device.now)
        return 0
      }
    }
    let result = loop.run(seconds: 60)
    #expect(loop.fault() != nil && loop.fault() != .noClock)
    #expect(result.seconds < 8 && Double(result.iterations) < 1000 * result.seconds + 200)
  }

  @Test(
    "endless errors: few iterations, and given up if it can be reopened every time",
    arguments: directions, [EPIPE, EIO, ENODEV, EBADFD, ESTRPIPE, ENOSYS])
  func errors(direction: AudioDirection, code: Int32) {
    let loop = Loop(direction) { device in
      device.waitLie = { -Int(code) }
      device.transferLie = { _ in -Int(code) }
      device.updateLie = { _ in -Int(code) }
    }
    let result = loop.run(seconds: 60)
    #expect(Double(result.iterations) < 1000 * result.seconds + 200)
    // A loudspeaker that cannot even be filled counts as lost.
    #expect(loop.fault() != .noClock)
    if direction == .capture { #expect(loop.fault() != nil) }
  }

  @Test(
    "endless errors from a device that cannot be reopened: it counts as lost", arguments: directions)
  func away(direction: AudioDirection) {
    let loop = Loop(direction) { device in
      device.absences = .max
      device.waitLie = { -Int(ENODEV) }
      device.transferLie = { _ in -Int(ENODEV) }
      device.updateLie = { _ in -Int(ENODEV) }
    }
    let result = loop.run(seconds: 60)
    #expect(loop.fault() == nil && result.iterations < 60 * 60)
  }

  @Test(
    "impossible delays, counts and times are harmless", arguments: directions,
    [Int.min, -1, Int.max])
  func numbers(direction: AudioDirection, number: Int) {
    for (available, delay, time) in [(number, 0, 0), (480, number, 0), (480, 0, number)] {
      let loop = Loop(direction) { device in
        device.updateLie = {
          $0.available = available
          $0.delay = delay
          $0.nanoseconds = UInt64(bitPattern: Int64(time))
          return 0
        }
      }
      for _ in 0..<50 {
        loop.device.pass(480)
        _ = loop.iterate()
      }
    }
  }

  @Test("timestamps that run backwards are harmless", arguments: directions)
  func backwards(direction: AudioDirection) {
    let loop = Loop(direction) { device in
      var stamp: UInt64 = 1 << 40
      device.updateLie = {
        stamp -= 10_000_000
        ($0.available, $0.delay, $0.nanoseconds) = (480, 480, stamp)
        return 0
      }
    }
    for _ in 0..<200 {
      loop.device.pass(480)
      _ = loop.iterate()
    }
    #expect(loop.fault() == nil)
  }

  @Test("a transfer of more than was requested is not believed", arguments: directions)
  func tooMuch(direction: AudioDirection) {
    let loop = Loop(direction) { $0.transferLie = { $0 * 1000 } }
    for _ in 0..<50 {
      loop.device.pass(480)
      _ = loop.iterate()
    }
    #expect(loop.fault() == nil)
  }

  @Test("a call that does not return: the session ends in time and says so")
  func blocked() {
    let device = ScriptedPCM(.capture)
    let (release, isInside) = (Wake(), Wake())
    device.waitLie = {
      isInside.post()
      release.wait(nanoseconds: 20_000_000_000)
      return 0
    }
    let loop = CaptureLoop(device: device, ring: SampleRing(capacity: 24_000), wake: Wake())
    let thread = DeviceThread()
    let beginning = thread.start(
      name: "test", priority: 0, begin: { loop.begin() }, iterate: { _ = loop.iterate() }, end: {})
    #expect(beginning == .running && isInside.wait(nanoseconds: 5_000_000_000))
    let start = MonotonicClock.now
    #expect(!thread.stop())
    let took = MonotonicClock.now - start
    #expect(took >= DeviceThread.ending && took < DeviceThread.ending + 500_000_000)
    // The second call does not wait.
    #expect(!thread.stop() && MonotonicClock.now - start < took + 100_000_000)
    #expect(RealtimeThread.hasAbandoned)
    release.post()
  }

  @Test("a device that hangs while it is started is an error, in time")
  func blockedStart() {
    let release = Wake()
    let thread = DeviceThread()
    let start = MonotonicClock.now
    let beginning = thread.start(
      name: "test", priority: 0, patience: 100_000_000,
      begin: {
        release.wait(nanoseconds: 20_000_000_000)
        return true
      }, iterate: {}, end: {})
    #expect(beginning == .unanswered && MonotonicClock.now - start < 1_000_000_000)
    release.post()
    #expect(thread.stop(nanoseconds: 2_000_000_000))
  }

  @Test("a device that hangs while it is opened is an error, in time")
  func blockedOpening() {
    let release = Wake()
    let start = MonotonicClock.now
    #expect(throws: AudioDeviceError.noAnswer(name: "x", .capture)) {
      try DeviceThread.ask("x", .capture, patience: 100_000_000) { () -> Result<Int, AudioDeviceError> in
        release.wait(nanoseconds: 20_000_000_000)
        return .success(1)
      }
    }
    #expect(MonotonicClock.now - start < 1_000_000_000)
    release.post()
  }

  @Test("a healthy device ends with the current iteration")
  func healthyEnd() {
    let thread = DeviceThread()
    let ended = StopFlag()
    let beginning = thread.start(
      name: "test", priority: 0, begin: { true }, iterate: { MonotonicClock.sleep(nanoseconds: 1_000_000) },
      end: { ended.set() })
    #expect(beginning == .running && thread.stop() && ended.isSet)
  }
}
