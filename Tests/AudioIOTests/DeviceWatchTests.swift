import Testing

@testable import AudioIO

@Suite("The device watch")
struct DeviceWatchTests {
  private static let settings = PCMSettings(
    direction: .capture, rate: 48_000, channels: 1, format: .float32, periodFrames: 480, bufferFrames: 1440)
  private var watch = DeviceWatch(settings, now: 0)

  /// Runs iterations of `iteration` nanoseconds each, with the sleeps that the watch requests; stops at the first fault.
  private mutating func run(
    seconds: Double, iteration: UInt64, frames: (Int) -> Int, outcome: DeviceOutcome = .idle
  ) -> (iterations: Int, sleeps: Int, fault: DeviceFault?, end: Double) {
    var (now, iterations, sleeps): (UInt64, Int, Int) = (0, 0, 0)
    while Double(now) < seconds * 1e9 {
      let moved = frames(iterations)
      let verdict = watch.see(
        moved > 0 ? .moved(moved) : outcome, frames: moved, from: now, to: now + iteration)
      iterations += 1
      now += iteration
      switch verdict {
      case .goOn: break
      case .sleep:
        sleeps += 1
        now += DeviceWatch.pause
      case .giveUp(let fault): return (iterations, sleeps, fault, Double(now) * 1e-9)
      }
    }
    return (iterations, sleeps, nil, Double(now) * 1e-9)
  }

  @Test("an hour of a healthy device, 300 parts per million fast, is left alone")
  mutating func healthy() {
    let result = run(seconds: 3600, iteration: 10_000_000 - 3_000, frames: { _ in 480 })
    #expect(result.fault == nil && result.sleeps == 0)
  }

  @Test("periods that come in bursts, as from a sound server, are left alone")
  mutating func bursts() {
    // Four periods at once each 40 ms, the first three of which take no time.
    var now: UInt64 = 0
    for iteration in 0..<40_000 {
      let next = iteration % 4 == 0 ? now + 40_000_000 : now + 10_000
      #expect(watch.see(.moved(480), frames: 480, from: now, to: next) == .goOn)
      now = iteration % 4 == 3 ? now + 10_000 - 30_000 : next
    }
  }

  @Test("sound that moves without time passing is detected within two seconds of sound")
  mutating func noClock() {
    let result = run(seconds: 60, iteration: 20_000, frames: { _ in 480 })
    #expect(result.fault == .noClock && result.iterations < 200)
  }

  @Test("a clock that runs at twice the speed is detected")
  mutating func twiceTooFast() {
    let result = run(seconds: 60, iteration: 5_000_000, frames: { _ in 480 })
    #expect(result.fault == .noClock && result.end < 2)
  }

  @Test(
    "iterations that do nothing and take no time are slowed to a thousand per second, then the device is given up"
  )
  mutating func nothing() {
    let result = run(seconds: 60, iteration: 5_000, frames: { _ in 0 })
    #expect(result.fault == .readyWithNothing && (5...6).contains(result.end))
    #expect(result.iterations < 6000)
  }

  @Test("iterations that move a single frame are bounded, too")
  mutating func singleFrames() {
    let result = run(seconds: 2, iteration: 5_000, frames: { _ in 1 })
    #expect(result.fault == nil && result.iterations < 2 * 2_000 + 200)
  }

  @Test("a device that blocks and has nothing is never given up")
  mutating func quiet() {
    let result = run(seconds: 600, iteration: 100_000_000, frames: { _ in 0 })
    #expect(result.fault == nil && result.sleeps == 0)
  }

  @Test("a device that is unplugged for a minute is not given up")
  mutating func away() {
    let result = run(seconds: 60, iteration: 20_000_000, frames: { _ in 0 }, outcome: .away)
    #expect(result.fault == nil)
  }

  @Test("a device that keeps failing is given up after five seconds")
  mutating func errors() {
    let result = run(seconds: 60, iteration: 5_000, frames: { _ in 0 }, outcome: .xrun)
    #expect(result.fault == .onlyErrors && (5...6).contains(result.end))
  }

  @Test("a device that is reopened twenty times per second and never works is given up")
  mutating func reopened() {
    let result = run(seconds: 60, iteration: 50_000_000, frames: { _ in 0 }, outcome: .reopened)
    #expect(result.fault == .onlyErrors && (5...6).contains(result.end))
  }

  @Test("a loop that is woken too late for every period is left alone")
  mutating func starved() {
    let result = run(seconds: 600, iteration: 50_000_000, frames: { _ in 0 }, outcome: .xrun)
    #expect(result.fault == nil)
  }

  @Test("occasional errors with sound between them are left alone")
  mutating func errorsBetween() {
    let result = run(seconds: 600, iteration: 10_000_000, frames: { $0 % 2 == 0 ? 480 : 0 }, outcome: .xrun)
    #expect(result.fault == nil)
  }

  @Test("a clock that runs backwards is harmless")
  mutating func backwards() {
    var now: UInt64 = 10_000_000_000
    for _ in 0..<100 {
      _ = watch.see(.moved(480), frames: 480, from: now, to: now - 5_000_000)
      now -= 10_000_000
    }
  }
}
