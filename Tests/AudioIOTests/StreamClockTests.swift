import Testing

@testable import AudioIO

@Suite("The clock of a stream")
struct StreamClockTests {
  /// Observes a stream for `seconds`, every 10 ms, each observation off by up to `jitter` nanoseconds.
  private func observe(_ clock: StreamClock, rate: Double, seconds: Double, jitter: Double) {
    var seed: UInt64 = 3
    for number in 0..<Int(seconds * 100) {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let noise = (Double(seed >> 11) / Double(1 << 53) - 0.5) * 2 * jitter
      let index = Double(number * 240)
      clock.observe(index, at: UInt64(5e9 + index / rate * 1e9 + noise))
    }
  }

  @Test("knows nothing before the first observation")
  func empty() {
    let clock = StreamClock()
    #expect(clock.nanoseconds(at: 0) == nil && clock.index(at: 0) == nil)
  }

  @Test("sees through a millisecond of jitter")
  func jitter() throws {
    let clock = StreamClock()
    observe(clock, rate: 24_000, seconds: 60, jitter: 1e6)
    let time = try #require(clock.nanoseconds(at: 60 * 24_000))
    #expect(abs(Double(time) - 65e9) < 200_000, "within a fifth of the jitter")
    let index = try #require(clock.index(at: 65_000_000_000))
    #expect(abs(index - 60 * 24_000) < 5)
  }

  @Test("measures how fast a crystal runs", arguments: [-500.0, 0, 120, 500])
  func drift(partsPerMillion: Double) {
    let clock = StreamClock()
    observe(clock, rate: 24_000 * (1 + partsPerMillion * 1e-6), seconds: 120, jitter: 2e5)
    #expect(abs(clock.partsPerMillion - partsPerMillion) < 20)
  }

  @Test("a jump starts a new line instead of bending the old one")
  func jump() throws {
    let clock = StreamClock()
    observe(clock, rate: 24_000, seconds: 20, jitter: 0)
    clock.observe(20 * 24_000, at: 27_000_000_000)
    let time = try #require(clock.nanoseconds(at: 20 * 24_000 + 240))
    #expect(abs(Double(time) - 27.01e9) < 1000)
  }
}
