/// Statistics that several modules need.
package enum Statistics {
  /// The median of the values; the upper of the two middle ones if their number is even.
  ///
  /// - Precondition: there is at least one value.
  package static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}
