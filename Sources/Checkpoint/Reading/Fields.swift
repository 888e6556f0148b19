internal import Foundation

/// The fields of a JSON object, each read with its type and range; an error names the wrong field.
package struct Fields: Sendable {
  package let path: String
  private let prefix: String
  // The values are parsed JSON, which is immutable.
  private nonisolated(unsafe) let object: [String: Any]

  /// - Parameters:
  ///   - path: the file that errors name.
  ///   - prefix: prepended to field names in errors.
  package init(_ json: [UInt8], path: String, prefix: String = "") throws(CheckpointError) {
    guard let object = try? JSONSerialization.jsonObject(with: Data(json)) as? [String: Any] else {
      let start = String(decoding: json.prefix(40), as: UTF8.self)
      throw .badField(
        file: path, field: prefix.isEmpty ? "(the whole file)" : prefix, expected: "a JSON object",
        found: start)
    }
    self.init(object, path: path, prefix: prefix)
  }

  /// Reads a JSON file.
  package init(file path: String) throws(CheckpointError) {
    let file = try MappedFile(path)
    try self.init(withExtendedLifetime(file) { Array(file.bytes) }, path: path)
  }

  private init(_ object: [String: Any], path: String, prefix: String) {
    self.object = object
    self.path = path
    self.prefix = prefix
  }

  /// Whether the field exists and is not null.
  package func has(_ name: String) -> Bool { object[name].map { !($0 is NSNull) } ?? false }

  package func object(_ name: String) throws(CheckpointError) -> Fields? {
    guard has(name) else { return nil }
    guard let value = object[name] as? [String: Any] else { throw bad(name, "an object") }
    return Fields(value, path: path, prefix: full(name))
  }

  package var names: [String] { object.keys.sorted() }

  package func string(_ name: String, default value: String? = nil) throws(CheckpointError) -> String {
    guard has(name) else {
      guard let value else { throw bad(name, "a string") }
      return value
    }
    guard let string = object[name] as? String else { throw bad(name, "a string") }
    return string
  }

  package func number(
    _ name: String, default value: Double? = nil, _ range: ClosedRange<Double>? = nil
  ) throws(CheckpointError) -> Double {
    let expected = range.map { "a number from \($0.lowerBound) to \($0.upperBound)" } ?? "a number"
    guard has(name) else {
      guard let value else { throw bad(name, expected) }
      return value
    }
    guard let number = object[name] as? NSNumber, !isBoolean(number),
      range?.contains(number.doubleValue) ?? true
    else { throw bad(name, expected) }
    return number.doubleValue
  }

  package func integer(
    _ name: String, default value: Int? = nil, _ range: ClosedRange<Int>
  ) throws(CheckpointError) -> Int {
    let expected = "an integer from \(range.lowerBound) to \(range.upperBound)"
    guard has(name) else {
      guard let value else { throw bad(name, expected) }
      return value
    }
    guard let number = object[name] as? NSNumber, !isBoolean(number),
      number.doubleValue.rounded() == number.doubleValue,
      Double(range.lowerBound)...Double(range.upperBound) ~= number.doubleValue
    else { throw bad(name, expected) }
    return number.intValue
  }

  package func flag(_ name: String, default value: Bool) throws(CheckpointError) -> Bool {
    guard has(name) else { return value }
    guard let number = object[name] as? NSNumber, isBoolean(number) else { throw bad(name, "true or false") }
    return number.boolValue
  }

  package func integers(_ name: String, _ range: ClosedRange<Int>) throws(CheckpointError) -> [Int]? {
    guard has(name) else { return nil }
    guard let numbers = object[name] as? [NSNumber], !numbers.contains(where: isBoolean),
      let values = object[name] as? [Int], values.allSatisfy(range.contains)
    else {
      throw bad(name, "integers from \(range.lowerBound) to \(range.upperBound)")
    }
    return values
  }

  package func strings(_ name: String) throws(CheckpointError) -> [String]? {
    guard has(name) else { return nil }
    guard let values = object[name] as? [String] else { throw bad(name, "a list of strings") }
    return values
  }

  /// The error for a field that does not have the expected value.
  package func bad(_ name: String, _ expected: String) -> CheckpointError {
    let found = object[name].map { String(String(describing: $0).prefix(60)) } ?? "nothing"
    return .badField(file: path, field: full(name), expected: expected, found: found)
  }

  private func full(_ name: String) -> String { prefix.isEmpty ? name : prefix + "." + name }

  // A number parsed from JSON `true` reports the C type of Bool; other numbers do not.
  private func isBoolean(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }
}
