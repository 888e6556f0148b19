/// A comma-separated file: `# key=value` lines, a line of column names, one line per row. The first column is
/// always `run_id`.
struct Table<Row: Sendable>: Sendable {
  let columns: [Column<Row>]
  /// A row before its fields are read.
  let blank: Row

  /// Everything above the rows.
  func head(_ metadata: RunMetadata) -> String {
    metadata.keys.map { "# \($0)=\(metadata[$0] ?? "")\n" }.joined() + names.joined(separator: ",") + "\n"
  }

  /// One row, with its line end.
  func line(_ row: Row, run: String) -> String {
    fields(row, run: run).joined(separator: ",") + "\n"
  }

  /// What a file holds. `lines[i]` is where `rows[i]` stands, `fields[i]` its text.
  struct Contents: Sendable {
    var metadata = RunMetadata()
    var rows: [Row] = []
    var lines: [Int] = []
    var fields: [[String]] = []
  }

  func read(_ path: String) throws(LatencyReportError) -> Contents {
    try parse(TextFile.read(path), path)
  }

  /// The same of a text that is there already; `path` is for the errors.
  func parse(_ text: String, _ path: String) throws(LatencyReportError) -> Contents {
    var contents = Contents()
    var number = 0
    var inRows = false
    for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      number += 1
      if !inRows, line.hasPrefix("# "), let equals = line.firstIndex(of: "=") {
        let key = String(line[..<equals].dropFirst(2))
        guard !key.isEmpty else {
          throw .badHeader(path: path, line: number, column: 1, expected: "a key before '='", found: "")
        }
        contents.metadata[key] = String(line[line.index(after: equals)...])
      } else if !inRows {
        try checkNames(Self.split(line), path, number)
        inRows = true
      } else if !line.isEmpty {
        let fields = Self.split(line)
        contents.rows.append(try row(fields, path, number))
        contents.lines.append(number)
        contents.fields.append(fields)
      }
    }
    guard inRows else {
      throw .badHeader(path: path, line: max(number, 1), column: 1, expected: names[0], found: "")
    }
    return contents
  }

  /// Fields that differ from what the row, written again, would say.
  func differences(_ contents: Contents, run: String, file: String) -> [LatencyMismatch] {
    var found: [LatencyMismatch] = []
    for (index, row) in contents.rows.enumerated() {
      let again = fields(row, run: run).map { Self.split(Substring($0)).first ?? "" }
      for (column, pair) in zip(again, contents.fields[index]).enumerated() where pair.0 != pair.1 {
        let place = "\(file): line \(contents.lines[index]), \(names[column])"
        found.append(LatencyMismatch(place: place, expected: pair.0, found: pair.1))
      }
    }
    return found
  }

  private var names: [String] { ["run_id"] + columns.map(\.name) }

  private func fields(_ row: Row, run: String) -> [String] { [run] + columns.map { $0.write(row) } }

  private func checkNames(_ found: [String], _ path: String, _ line: Int) throws(LatencyReportError) {
    for index in 0..<max(names.count, found.count) {
      let expected = index < names.count ? names[index] : ""
      let name = index < found.count ? found[index] : ""
      guard name == expected else {
        throw .badHeader(path: path, line: line, column: index + 1, expected: expected, found: name)
      }
    }
  }

  private func row(_ fields: [String], _ path: String, _ line: Int) throws(LatencyReportError) -> Row {
    guard fields.count == columns.count + 1 else {
      throw .badWidth(path: path, line: line, expected: columns.count + 1, found: fields.count)
    }
    var row = blank
    for (column, field) in zip(columns, fields.dropFirst()) where !column.read(field, &row) {
      throw .badField(path: path, line: line, column: column.name, found: field)
    }
    return row
  }

  /// Fields of a line. A field in quotes may hold commas and doubled quotes.
  private static func split(_ line: Substring) -> [String] {
    var fields: [String] = []
    var field = ""
    var isQuoted = false
    var last: Character?
    for character in line {
      if character == "\"" {
        if !isQuoted && last == "\"" { field.append("\"") }
        isQuoted.toggle()
      } else if character == "," && !isQuoted {
        fields.append(field)
        field = ""
      } else {
        field.append(character)
      }
      last = character
    }
    return fields + [field]
  }
}
