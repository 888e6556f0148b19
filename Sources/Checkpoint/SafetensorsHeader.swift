internal import Foundation

/// The head of a safetensors file that is written: the length, and the JSON that says where each tensor lies.
///
/// Tensors follow one another without gaps, in the order given. Keys are sorted: the same content is the same file.
package struct SafetensorsHeader: Sendable {
  package let tensors: [(name: String, type: ElementType, shape: [Int])]
  package let metadata: [String: String]

  package init(tensors: [(name: String, type: ElementType, shape: [Int])], metadata: [String: String] = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  /// Bytes of all tensors together.
  package var dataBytes: Int { tensors.reduce(0) { $0 + $1.shape.reduce($1.type.size, *) } }

  /// Length and JSON, filled up with spaces.
  ///
  /// - Parameters:
  ///   - alignment: bytes of which the header is a multiple.
  ///   - size: bytes of the length and the JSON together, so that a header can be written again in its place.
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
    // Dictionaries of strings and integers always serialize.
    var json = try! JSONSerialization.data(
      withJSONObject: fields, options: [.sortedKeys, .withoutEscapingSlashes])
    let padding =
      size.map { $0 - 8 - json.count } ?? (alignment - (json.count + 8) % alignment) % alignment
    precondition(padding >= 0, "the header has no room")
    json.append(contentsOf: Array(repeating: UInt8(ascii: " "), count: padding))
    return withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) } + json
  }
}
