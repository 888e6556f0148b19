/// Numbers as a person reads them.
enum Figures {
  /// The middle one of some values, the upper of the two where their number is even.
  static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

  /// A fixed count of decimals.
  static func fixed(_ value: Double, _ decimals: Int) -> String {
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    let units = (value.magnitude * scale).rounded()
    let whole = String(Int(units / scale))
    let sign = value < 0 && units > 0 ? "-" : ""
    guard decimals > 0 else { return sign + whole }
    let rest = String(Int(units.truncatingRemainder(dividingBy: scale)))
    return sign + whole + "." + String(repeating: "0", count: decimals - rest.count) + rest
  }

  /// Bytes with the unit that keeps them short.
  static func bytes(_ count: Int) -> String {
    var value = Double(count)
    for unit in ["bytes", "kB", "MB", "GB"] {
      if value < 1000 || unit == "GB" {
        return unit == "bytes" ? "\(count) bytes" : fixed(value, 1) + " " + unit
      }
      value /= 1000
    }
    preconditionFailure("the last unit takes everything")
  }

  /// Columns of text, the first to the left and the others to the right.
  static func table(_ rows: [[String]]) -> String {
    let width = (0..<(rows.map(\.count).max() ?? 0)).map { column in
      rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      let line = row.enumerated().map { column, text in
        let space = String(repeating: " ", count: width[column] - text.count)
        return column == 0 ? text + space : space + text
      }.joined(separator: "  ")
      return String(line.reversed().drop { $0 == " " }.reversed())
    }.joined(separator: "\n")
  }
}
