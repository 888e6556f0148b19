internal import Base
internal import Foundation

/// The description in a packed file: where its weights come from, how many bits each has, and how large the rounding
/// errors are.
public struct PackedCard: Sendable, Equatable {
  /// The version of the layout that is written and read. A change of the blocks' layout is a new version.
  public static let version = 1

  /// A packed matrix.
  public struct Tensor: Sendable, Equatable, Codable {
    /// Bits per weight: 8 or 4.
    public var bits: Int
    /// [rows, inputs], in weights.
    public var shape: [Int]
    /// Matrices stacked in the tensor, each with panels of its own.
    public var parts: Int
    /// Relative rounding error: the root of the summed squared differences over that of the squared source.
    public var error: String
    /// SHA-256 of the packed bytes.
    public var sha256: String
  }

  /// Name of the file that was converted.
  public var source: String
  /// SHA-256 of that file.
  public var sourceDigest: String
  /// Bits of the matrices that `--keep` does not name.
  public var bits: Int
  /// Names given to `--keep`, with their bits.
  public var kept: [String: Int]
  /// The packed matrices by name.
  public var tensors: [String: Tensor]

  static let versionKey = "antiphon_packed"

  init(source: String, sourceDigest: String, bits: Int, kept: [String: Int], tensors: [String: Tensor]) {
    self.source = source
    self.sourceDigest = sourceDigest
    self.bits = bits
    self.kept = kept
    self.tensors = tensors
  }

  /// Reads the card of a file; nil where the file is not packed.
  public init?(_ file: Safetensors) throws(CheckpointError) {
    guard let version = try file.text(Self.versionKey) else { return nil }
    guard version == String(Self.version) else {
      throw .packedVersion(file: file.path, found: version, known: Self.version)
    }
    func text(_ key: String) throws(CheckpointError) -> String {
      guard let value = try file.text(key) else {
        throw .badField(file: file.path, field: key, expected: "a string", found: "nothing")
      }
      return value
    }
    func decoded<Value: Decodable>(_ key: String, _ type: Value.Type) throws(CheckpointError) -> Value {
      let json = try text(key)
      guard let value = try? JSONDecoder().decode(type, from: Data(json.utf8)) else {
        throw .badField(
          file: file.path, field: key, expected: "the card's JSON", found: String(json.prefix(60)))
      }
      return value
    }
    self.init(
      source: try text("source"), sourceDigest: try text("source_sha256"),
      bits: try decoded("bits", Int.self),
      kept: try decoded("kept", [String: Int].self), tensors: try decoded("tensors", [String: Tensor].self))
    for (name, tensor) in tensors { try Self.check(tensor, name, file) }
  }

  // An edited card must not lead beyond the tensor's bytes.
  private static func check(_ tensor: Tensor, _ name: String, _ file: Safetensors) throws(CheckpointError) {
    guard let entry = file.entries[name] else {
      throw .missingTensor(file: file.path, tensor: name, present: file.entries.count)
    }
    guard entry.type == .uint8 else {
      throw .wrongType(file: file.path, tensor: name, expected: "U8", found: entry.typeName)
    }
    guard let bytes = tensor.bytes, entry.byteCount == bytes else {
      throw .wrongSize(file: file.path, tensor: name, expected: tensor.bytes ?? 0, found: entry.byteCount)
    }
  }

  /// The metadata of the file.
  var metadata: [String: String] {
    [
      Self.versionKey: String(Self.version), "source": source, "source_sha256": sourceDigest,
      "bits": String(bits), "kept": Self.json(kept), "tensors": Self.json(tensors),
    ]
  }

  private static func json(_ value: some Encodable) -> String {
    (try? JSON.text(value, keys: .asDeclared)) ?? ""
  }
}
