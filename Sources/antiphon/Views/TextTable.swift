/// Rows of text, aligned in columns.
enum TextTable {
  /// The first column is aligned to the left, the others to the right.
  static func text(_ rows: [[String]]) -> String {
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
