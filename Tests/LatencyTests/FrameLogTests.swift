import Testing

@testable import Latency

@Suite struct FrameLogTests {
  private func record(_ frame: Int64) -> FrameRecord {
    var record = FrameRecord()
    record.frame = frame
    return record
  }

  private func drained(_ log: FrameLog) -> [Int64] {
    var frames: [Int64] = []
    log.drain { frames.append($0.frame ?? -1) }
    return frames
  }

  @Test("records come out in the order they went in, through many wraps")
  func order() {
    let log = FrameLog(capacity: 3)
    for round in 0..<10 as Range<Int64> {
      log.append(record(2 * round))
      log.append(record(2 * round + 1))
      #expect(drained(log) == [2 * round, 2 * round + 1])
    }
    #expect(log.dropped == 0)
  }

  @Test("a full log drops the newest and counts it")
  func full() {
    let log = FrameLog(capacity: 2)
    for frame in 0..<5 as Range<Int64> { log.append(record(frame)) }
    #expect(log.dropped == 3)
    #expect(drained(log) == [0, 1])
    log.append(record(9))
    #expect(drained(log) == [9])
  }

  @Test("one thread fills and another empties, and nothing is torn or lost")
  func threads() async {
    let log = FrameLog(capacity: 8)
    let total: Int64 = 20_000
    async let sum = Task.detached {
      var next: Int64 = 0
      var isWhole = true
      while next < total {
        log.drain { record in
          isWhole = isWhole && record.frame == next && record.written == next * 3
          next += 1
        }
        await Task.yield()
      }
      return isWhole
    }.value
    var frame: Int64 = 0
    while frame < total {
      var record = record(frame)
      record.written = frame * 3
      let before = log.dropped
      log.append(record)
      if log.dropped == before { frame += 1 } else { await Task.yield() }
    }
    #expect(await sum)
  }
}

@Suite struct FrameClockTests {
  @Test("in a file run a frame arrives on time and the work done is added")
  func file() {
    var clock = FrameClock(.file, origin: 0)
    #expect(clock.begin(frame: 0, 1_000_000) == 80_000)
    #expect(clock.now(1_000_000) == 80_000)
    #expect(clock.now(1_030_000) == 110_000)
    clock.end(1_030_000)
    // A second spent on the file is no time at all.
    #expect(clock.begin(frame: 1, 2_030_000) == 160_000)
    #expect(clock.now(2_030_000) == 160_000)
  }

  @Test("a frame that takes too long delays the next")
  func late() {
    var clock = FrameClock(.file, origin: 0)
    _ = clock.begin(frame: 0, 0)
    clock.end(100_000)
    #expect(clock.begin(frame: 1, 500_000) == 160_000)
    #expect(clock.now(500_000) == 180_000)
  }

  @Test("a live clock shows real time")
  func live() {
    var clock = FrameClock(.live, origin: 5_000)
    #expect(clock.begin(frame: 7, 25_000) == 20_000)
    #expect(clock.now(26_000) == 21_000)
  }
}

@Suite struct DistributionTests {
  private func distribution(_ values: [Int64]) -> Distribution {
    var distribution = Distribution()
    for value in values { distribution.record(value) }
    return distribution
  }

  @Test("percentiles are the smallest value that enough values do not exceed")
  func ranks() {
    let distribution = distribution(Array(1...100))
    #expect([50, 90, 95, 99, 100].map(distribution.percentile) == [50, 90, 95, 99, 100])
  }

  @Test("one value is every percentile")
  func one() {
    let distribution = distribution([123_456])
    #expect(distribution.percentile(50) == 123_456 && distribution.percentile(99) == 123_456)
  }

  @Test("values below zero come first")
  func negative() {
    let distribution = distribution([-30, -20, -10, 0, 10])
    #expect(distribution.percentile(20) == -30)
    #expect(distribution.percentile(40) == -20)
    #expect(distribution.percentile(60) == -10)
    #expect(distribution.percentile(80) == 0)
    #expect(distribution.percentile(99) == 10)
  }

  @Test("large values are right to a thousandth")
  func precision() {
    let distribution = distribution([1_234_567, 2_345_678, 3_456_789])
    #expect(abs(Double(distribution.percentile(50)) - 2_345_678) < 2_346)
    #expect(distribution.maximum == 3_456_789 && distribution.minimum == 1_234_567)
  }

  @Test("the interval of a percentile is the same every time and holds it")
  func bootstrap() throws {
    let values = (0..<200 as Range<Int64>).map { $0 * 1000 }
    let first = Bootstrap.intervals(values)
    #expect(first == Bootstrap.intervals(values.reversed()))
    let median = try #require(first["p50"])
    #expect(median.low < 99.5 && median.high > 99.5 && median.high - median.low < 60)
  }
}
