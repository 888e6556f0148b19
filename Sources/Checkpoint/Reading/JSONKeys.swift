internal import Foundation

/// Finds duplicate keys in JSON objects: parsers keep one of the values and do not say which.
enum JSONKeys {
  /// The first duplicate key of an object.
  ///
  /// - Parameters:
  ///   - json: JSON that a parser has accepted.
  ///   - depth: nesting depth of the objects to check; the outermost has 1.
  static func repeated(in json: UnsafeRawBufferPointer, depth wanted: Int) -> String? {
    var seen: Set<String> = []
    var depth = 0
    var index = 0
    while index < json.count {
      switch json[index] {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        if depth == wanted { seen.removeAll(keepingCapacity: true) }
      case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
      case UInt8(ascii: "\""):
        let end = endOfString(json, index + 1)
        if depth == wanted, isKey(json, end + 1) {
          let key = text(UnsafeRawBufferPointer(rebasing: json[index..<min(end + 1, json.count)]))
          guard seen.insert(key).inserted else { return key }
        }
        index = end
      default: break
      }
      index += 1
    }
    return nil
  }

  /// Offset of the closing quotation mark of a string.
  private static func endOfString(_ json: UnsafeRawBufferPointer, _ start: Int) -> Int {
    var index = start
    while index < json.count, json[index] != UInt8(ascii: "\"") {
      index += json[index] == UInt8(ascii: "\\") ? 2 : 1
    }
    return index
  }

  /// Whether a colon follows.
  private static func isKey(_ json: UnsafeRawBufferPointer, _ start: Int) -> Bool {
    var index = start
    while index < json.count, [0x20, 0x09, 0x0A, 0x0D].contains(json[index]) { index += 1 }
    return index < json.count && json[index] == UInt8(ascii: ":")
  }

  /// The content of a string in quotation marks; the parser resolves escapes.
  private static func text(_ quoted: UnsafeRawBufferPointer) -> String {
    let plain = String(decoding: quoted.dropFirst().dropLast(), as: UTF8.self)
    guard quoted.contains(UInt8(ascii: "\\")) else { return plain }
    let parsed = try? JSONSerialization.jsonObject(with: Data(quoted), options: .fragmentsAllowed)
    return parsed as? String ?? plain
  }
}
