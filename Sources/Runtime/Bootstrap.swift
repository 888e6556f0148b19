internal import Base

/// Confidence in percentiles by resampling, the same every time.
enum Bootstrap {
  private static let rounds = 1000

  /// 95 % intervals of the median and the 95th percentile, in milliseconds.
  static func intervals(_ microseconds: [Int64]) -> [String: LatencySummary.Interval] {
    var generator = SplitMix64(seed: 0x9E37_79B9_7F4A_7C15)
    let sorted = microseconds.sorted()
    var medians: [Int64] = []
    var tails: [Int64] = []
    // A sample of sorted values is known by how often each index was drawn.
    for _ in 0..<rounds {
      var drawn = [Int](repeating: 0, count: sorted.count)
      for _ in sorted.indices { drawn[Int(generator.next() % UInt64(sorted.count))] += 1 }
      medians.append(percentile(50, sorted, drawn))
      tails.append(percentile(95, sorted, drawn))
    }
    return ["p50": interval(medians), "p95": interval(tails)]
  }

  private static func percentile(_ percent: Int, _ sorted: [Int64], _ drawn: [Int]) -> Int64 {
    let rank = max((sorted.count * percent + 99) / 100, 1)
    var seen = 0
    for (value, times) in zip(sorted, drawn) {
      seen += times
      if seen >= rank { return value }
    }
    preconditionFailure("every round draws as many values as there are")
  }

  private static func interval(_ values: [Int64]) -> LatencySummary.Interval {
    let sorted = values.sorted()
    return LatencySummary.Interval(
      low: Double(sorted[rounds * 25 / 1000]) / 1000, high: Double(sorted[rounds * 975 / 1000 - 1]) / 1000)
  }
}
