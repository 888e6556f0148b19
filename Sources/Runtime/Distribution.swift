import Histogram

/// Percentiles of a quantity in microseconds, kept to a thousandth of each value.
///
/// A percentile is the smallest recorded value that at least this part of all values does not exceed, to the
/// width of its histogram bucket. The smallest and the largest value are exact. Values may be negative.
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
    precondition(count > 0, "nothing has no percentiles")
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
