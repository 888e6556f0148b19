/// Sums over samples that several modules need.
package enum Statistics {
  /// The middle one of some values, the upper of the two where their number is even.
  ///
  /// - Precondition: there is one.
  package static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}
