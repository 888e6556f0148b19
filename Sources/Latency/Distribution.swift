internal import Base
import Histogram

/// Percentiles of a quantity in microseconds, kept to a thousandth of each value.
///
/// A percentile is the smallest recorded value that at least this share of all values does not exceed, to the width of
/// its histogram bucket. The smallest and the largest value are exact. Values may be negative.
struct Distribution: Sendable {
  private var positive = Histogram<UInt64>(highestTrackableValue: Distribution.limit)
  private var negative = Histogram<UInt64>(highestTrackableValue: Distribution.limit)
  private(set) var minimum = Int64.max
  private(set) var maximum = Int64.min

  /// A day.
  private static let limit: UInt64 = 86_400_000_000

  var count: Int { Int(positive.totalCount + negative.totalCount) }

  /// Values beyond a day count as a day.
  mutating func record(_ microseconds: Int64) {
    let magnitude = min(microseconds.magnitude, Self.limit)
    if microseconds < 0 { negative.record(magnitude) } else { positive.record(magnitude) }
    minimum = min(minimum, microseconds)
    maximum = max(maximum, microseconds)
  }

  /// - Parameter percent: 0...100.
  /// - Precondition: something was recorded.
  func percentile(_ percent: Double) -> Int64 {
    precondition(count > 0, "percentiles need at least one value")
    let below = Int(negative.totalCount)
    let rank = min(max(Int((percent / 100 * Double(count)).rounded(.up)), 1), count)
    let value =
      rank <= below
      ? -Int64(Self.value(negative, rank: below - rank + 1)) : Int64(Self.value(positive, rank: rank - below))
    return min(max(value, minimum), maximum)
  }

  private static func value(_ histogram: Histogram<UInt64>, rank: Int) -> UInt64 {
    histogram.valueAtPercentile(Double(rank) / Double(histogram.totalCount) * 100)
  }
}

/// Confidence intervals of percentiles by resampling, with a fixed seed.
enum Bootstrap {
  private static let rounds = 1000

  /// 95 % intervals of the median and the 95th percentile, in milliseconds.
  static func intervals(_ microseconds: [Int64]) -> [String: LatencySummary.Interval] {
    var generator = SplitMix64(seed: 0x9E37_79B9_7F4A_7C15)
    let sorted = microseconds.sorted()
    var medians: [Int64] = []
    var tails: [Int64] = []
    // A resample of sorted values is determined by how often each index was drawn.
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
