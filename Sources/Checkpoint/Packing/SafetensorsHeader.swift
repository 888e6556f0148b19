internal import Foundation

/// The header of a safetensors file to be written: its length, and the JSON with each tensor's place.
///
/// Tensors follow one another without gaps, in the order given. Keys are sorted, so that the same content gives the
/// same file.
package struct SafetensorsHeader: Sendable {
  package let tensors: [(name: String, type: ElementType, shape: [Int])]
  package let metadata: [String: String]

  package init(tensors: [(name: String, type: ElementType, shape: [Int])], metadata: [String: String] = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  /// Bytes of all tensors together.
  package var dataBytes: Int { tensors.reduce(0) { $0 + $1.shape.reduce($1.type.size, *) } }

  /// Length and JSON, padded with spaces.
  ///
  /// - Parameters:
  ///   - alignment: the length of the header is a multiple of this many bytes.
  ///   - size: bytes of the length field and the JSON together, so that a header can be rewritten in place.
  package func bytes(alignment: Int = 8, size: Int? = nil) -> [UInt8] {
    var fields: [String: Any] = [:]
    if !metadata.isEmpty { fields["__metadata__"] = metadata }
    var offset = 0
    for tensor in tensors {
      let end = offset + tensor.shape.reduce(tensor.type.size, *)
      fields[tensor.name] = [
        "dtype": tensor.type.rawValue, "shape": tensor.shape, "data_offsets": [offset, end],
      ]
      offset = end
    }
    // Dictionaries of strings and integers can always be serialized.
    var json = try! JSONSerialization.data(
      withJSONObject: fields, options: [.sortedKeys, .withoutEscapingSlashes])
    let padding =
      size.map { $0 - 8 - json.count } ?? (alignment - (json.count + 8) % alignment) % alignment
    precondition(padding >= 0, "the header has no room")
    json.append(contentsOf: Array(repeating: UInt8(ascii: " "), count: padding))
    return withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) } + json
  }
}
