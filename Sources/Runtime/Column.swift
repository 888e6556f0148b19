/// One column of a table of rows: its name, and how a field is written and read. An unknown value is an empty
/// field.
package struct Column<Row>: Sendable {
  package let name: String
  let write: @Sendable (Row) -> String
  /// Sets the value in a row, or says that the field is not one.
  let read: @Sendable (String, inout Row) -> Bool
}

extension Column {
  typealias Path<Value> = any WritableKeyPath<Row, Value?> & Sendable

  /// - Note: Nothing that is logged comes near the limit, and sums and products below it are numbers too.
  static func integer(_ name: String, _ path: Path<Int64>) -> Column {
    optional(
      name, path, { String($0) }, { field in Int64(field).flatMap { $0.magnitude <= 1 << 40 ? $0 : nil } })
  }

  static func flag(_ name: String, _ path: Path<Bool>) -> Column {
    optional(name, path, { $0 ? "1" : "0" }, { $0 == "1" ? true : $0 == "0" ? false : nil })
  }

  /// A number with a fixed count of decimals.
  static func decimal(
    _ name: String, _ path: Path<Float>, _ decimals: Int = 4
  ) -> Column {
    optional(
      name, path, { Decimal.fixed(Double($0), decimals) },
      { field in Float(field).flatMap { $0.isFinite ? $0 : nil } })
  }

  /// Microseconds in the row, milliseconds with three decimals in the field.
  static func milliseconds(_ name: String, _ path: Path<Int64>) -> Column {
    optional(name, path, Decimal.milliseconds, Decimal.microseconds)
  }

  /// Words in quotes, on one line.
  static func text(_ name: String, _ path: Path<String>) -> Column {
    optional(
      name, path,
      { words in "\"" + words.map { $0 == "\"" ? "\"\"" : $0.isNewline ? " " : String($0) }.joined() + "\"" },
      { $0 })
  }

  /// One name of a closed set.
  static func choice<Value: Sendable>(
    _ name: String, _ path: Path<Value>, _ names: [(String, Value)]
  ) -> Column where Value: Equatable {
    optional(
      name, path, { value in names.first { $0.1 == value }?.0 ?? "" },
      { field in names.first { $0.0 == field }?.1 })
  }

  /// Follows from other columns: written, and not read. Checking a table writes it again and compares.
  static func derived(_ name: String, _ write: @escaping @Sendable (Row) -> String) -> Column {
    Column(name: name, write: write, read: { field, _ in field.isEmpty || Double(field) != nil })
  }

  /// A column whose measurement does not exist yet: always empty.
  static func reserved(_ name: String) -> Column {
    Column(name: name, write: { _ in "" }, read: { field, _ in field.isEmpty })
  }

  private static func optional<Value>(
    _ name: String, _ path: Path<Value>,
    _ write: @escaping @Sendable (Value) -> String, _ parse: @escaping @Sendable (String) -> Value?
  ) -> Column {
    Column(
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
