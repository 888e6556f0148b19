internal import FoundationEssentials

/// JSON as this program writes it: with sorted keys, so that the same content gives the same text.
package enum JSON {
  /// How keys are spelled.
  package enum Keys { case asDeclared, snakeCase }

  package static func text(
    _ value: some Encodable, keys: Keys = .snakeCase, isPretty: Bool = false
  ) throws -> String {
    let encoder = JSONEncoder()
    if keys == .snakeCase { encoder.keyEncodingStrategy = .convertToSnakeCase }
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if isPretty { encoder.outputFormatting.insert(.prettyPrinted) }
    // As the terminal shows a path, with the backslash escaped.
    return FileSystem.readable(String(decoding: try encoder.encode(value), as: UTF8.self), escape: "\\\\x")
  }
}
