/// Statistics that several modules need.
package enum Statistics {
  /// The median of the values; the upper of the two middle ones if their number is even.
  ///
  /// - Precondition: there is at least one value.
  package static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

  /// The smallest value that at least `share` of all values do not exceed; 0 if there are none.
  package static func quantile(_ values: [Double], _ share: Double) -> Double {
    guard !values.isEmpty else { return 0 }
    let rank = Int((share * Double(values.count)).rounded(.up))
    return values.sorted()[min(max(rank, 1), values.count) - 1]
  }
}
