import Testing

@testable import AudioIO

@Suite("The rate controller")
struct RateControllerTests {
  /// A queue between two clocks, measured every 80 ms with some jitter; returns its depth after each, in seconds.
  private func simulate(
    _ controller: inout RateController, drift: Double, seconds: Double, start: Double = 0.04,
    jitter: Double = 0.003
  ) -> [Double] {
    var depth = start
    var seed: UInt64 = 7
    return (0..<Int(seconds / 0.08)).map { _ in
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let noise = (Double(seed >> 11) / Double(1 << 53) - 0.5) * 2 * jitter
      controller.update(measured: depth + noise, interval: 0.08)
      // What one clock delivers, minus what the other takes at the requested speed.
      depth += 0.08 * (1 + drift - controller.stretch)
      return depth
    }
  }

  @Test("clocks 500 ppm apart: the queue stays within 5 ms for ten minutes", arguments: [500e-6, -500e-6])
  func drift(drift: Double) {
    var controller = RateController(target: 0.04)
    let depths = simulate(&controller, drift: drift, seconds: 600)
    #expect(depths.allSatisfy { abs($0 - 0.04) < 0.005 })
    let last = depths.suffix(1000)
    #expect(abs(last.reduce(0, +) / Double(last.count) - 0.04) < 0.0002, "no lasting offset")
    #expect(abs(controller.driftPartsPerMillion - drift * 1e6) < 60)
  }

  @Test("equal clocks: the speed stays within 300 ppm of 1 in spite of jitter")
  func steady() {
    var controller = RateController(target: 0.04)
    var worst = 0.0
    for _ in 0..<100 {
      _ = simulate(&controller, drift: 0, seconds: 2)
      worst = max(worst, abs(controller.stretch - 1))
    }
    #expect(worst < 300e-6)
  }

  @Test("a queue that is 30 ms too deep is drained without undershooting its target by much")
  func recovery() {
    var controller = RateController(target: 0.04)
    let depths = simulate(&controller, drift: 0, seconds: 120, start: 0.07, jitter: 0)
    #expect(depths.last! < 0.0405)
    #expect(depths.min()! > 0.034)
  }

  @Test("the change of speed never exceeds half a percent, and long saturation does not wind up the integral")
  func limits() {
    var controller = RateController(target: 0.04)
    for _ in 0..<10_000 {
      controller.update(measured: 10, interval: 0.08)
      #expect(controller.stretch == 1.005)
    }
    #expect(abs(controller.driftPartsPerMillion) < 5000)
    for _ in 0..<10_000 { controller.update(measured: 0, interval: 0.08) }
    #expect(controller.stretch >= 0.995 && controller.stretch <= 1.005)
  }

  @Test("after a cut it keeps what it learnt about the clocks")
  func restart() {
    var controller = RateController(target: 0.04)
    _ = simulate(&controller, drift: 400e-6, seconds: 300)
    controller.restart()
    #expect(abs(controller.stretch - 1.0004) < 80e-6 && controller.depth == 0.04)
  }
}
