internal import Base

/// A comma-separated file: `# key=value` lines, a line of column names, and one line per row. The first column is
/// always `run_id`.
struct CSVTable<Row: Sendable>: Sendable {
  let columns: [CSVColumn<Row>]
  /// A row before its fields are read.
  let blank: Row

  /// Everything above the rows.
  func head(_ metadata: RunMetadata) -> String {
    metadata.keys.map { "# \($0)=\(metadata[$0] ?? "")\n" }.joined() + names.joined(separator: ",") + "\n"
  }

  /// One row, including its line end.
  func line(_ row: Row, run: String) -> String {
    fields(row, run: run).joined(separator: ",") + "\n"
  }

  /// The contents of a file. `lines[i]` is the line number of `rows[i]`, `fields[i]` its text.
  struct Contents: Sendable {
    var metadata = RunMetadata()
    var rows: [Row] = []
    var lines: [Int] = []
    var fields: [[String]] = []
  }

  func read(_ path: String) throws(LatencyReportError) -> Contents {
    try parse(LatencyReportError.files { () throws(FileError) in try TextFile.read(path) }, path)
  }

  /// The same for text in memory; `path` is for the errors.
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
        // The process was killed while it wrote a last line without an end.
        if line.endIndex == text.endIndex, fields.count < columns.count + 1 { break }
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

  /// Fields that differ from what their row gives when it is written again.
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

  /// The fields of a line. A quoted field may contain commas and doubled quotes.
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

/// One column of a table: its name, and how a field is written and read. An unknown value is an empty field.
package struct CSVColumn<Row>: Sendable {
  package let name: String
  let write: @Sendable (Row) -> String
  /// Sets the value in a row; false if the field is not a value of the column.
  let read: @Sendable (String, inout Row) -> Bool
}

extension CSVColumn {
  typealias Path<Value> = any WritableKeyPath<Row, Value?> & Sendable

  static func integer(_ name: String, _ path: Path<Int64>) -> CSVColumn {
    // Nothing that is logged comes near this limit, and sums and products of smaller values cannot overflow.
    optional(
      name, path, { String($0) }, { field in Int64(field).flatMap { $0.magnitude <= 1 << 40 ? $0 : nil } })
  }

  static func flag(_ name: String, _ path: Path<Bool>) -> CSVColumn {
    optional(name, path, { $0 ? "1" : "0" }, { $0 == "1" ? true : $0 == "0" ? false : nil })
  }

  /// A number with a fixed number of decimals.
  static func decimal(
    _ name: String, _ path: Path<Float>, _ decimals: Int = 4
  ) -> CSVColumn {
    optional(
      name, path, { NumberText.fixed(Double($0), decimals) },
      { field in Float(field).flatMap { $0.isFinite ? $0 : nil } })
  }

  /// A duration: microseconds in the row, milliseconds with three decimals in the field.
  static func milliseconds(_ name: String, _ path: Path<Int64>) -> CSVColumn {
    optional(name, path, NumberText.milliseconds, NumberText.microseconds)
  }

  /// Text in quotes, on one line.
  static func text(_ name: String, _ path: Path<String>) -> CSVColumn {
    optional(
      name, path,
      { words in "\"" + words.map { $0 == "\"" ? "\"\"" : $0.isNewline ? " " : String($0) }.joined() + "\"" },
      { $0 })
  }

  /// One name from a closed set.
  static func choice<Value: Sendable>(
    _ name: String, _ path: Path<Value>, _ names: [(String, Value)]
  ) -> CSVColumn where Value: Equatable {
    optional(
      name, path, { value in names.first { $0.1 == value }?.0 ?? "" },
      { field in names.first { $0.0 == field }?.1 })
  }

  /// A value that follows from other columns: it is written but not read. To check a table it is computed again and
  /// compared.
  static func derived(_ name: String, _ write: @escaping @Sendable (Row) -> String) -> CSVColumn {
    CSVColumn(name: name, write: write, read: { field, _ in field.isEmpty || Double(field) != nil })
  }

  /// A column whose measurement does not exist yet: always empty.
  static func reserved(_ name: String) -> CSVColumn {
    CSVColumn(name: name, write: { _ in "" }, read: { field, _ in field.isEmpty })
  }

  private static func optional<Value>(
    _ name: String, _ path: Path<Value>,
    _ write: @escaping @Sendable (Value) -> String, _ parse: @escaping @Sendable (String) -> Value?
  ) -> CSVColumn {
    CSVColumn(
      name: name,
      write: { $0[keyPath: path].map(write) ?? "" },
      read: { field, row in
        guard !field.isEmpty else { return true }
        guard let value = parse(field) else { return false }
        row[keyPath: path] = value
        return true
      })
  }
}
