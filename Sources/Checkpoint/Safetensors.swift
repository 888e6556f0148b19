internal import Foundation

/// A safetensors file: u64 header length, JSON header, tensors. Everything is checked before a byte of data is used.
public final class Safetensors: Sendable {
  /// One tensor of the file.
  public struct Entry: Sendable {
    /// Its name in the header.
    public let name: String
    /// Its element type.
    public let type: ElementType
    /// Its sizes, the slowest first.
    public let shape: [Int]
    /// Offset of the first byte in the file.
    let offset: Int
    /// Bytes of data.
    public let byteCount: Int

    /// Elements.
    public var count: Int { shape.reduce(1, *) }
  }

  /// Path of the file.
  public let path: String
  /// The tensors by name.
  public let entries: [String: Entry]
  /// The `__metadata__` strings.
  public let metadata: [String: String]
  let file: MappedFile

  // The format's own limit.
  private static let longestHeader = 100_000_000

  /// Maps a file and checks its header.
  ///
  /// - Parameter path: of the file.
  /// - Throws: `CheckpointError`, which says what is wrong and where.
  public init(_ path: String) throws(CheckpointError) {
    let file = try MappedFile(path)
    let total = file.bytes.count
    guard total >= 8 else { throw .badHeader(file: path, fault: .tooShort) }
    let length = UInt64(littleEndian: file.bytes.loadUnaligned(as: UInt64.self))
    guard length >= 2, length <= UInt64(Self.longestHeader) else {
      throw .badHeader(file: path, fault: .lengthOutOfRange(Int(clamping: length)))
    }
    let start = 8 + Int(length)
    guard start <= total else { throw .truncated(file: path, expected: start, found: total) }
    let header = Data(file.bytes[8..<start])
    guard let json = try? JSONSerialization.jsonObject(with: header) as? [String: Any] else {
      throw .badHeader(file: path, fault: .notJSON)
    }
    var entries: [String: Entry] = [:]
    var metadata: [String: String] = [:]
    for (name, value) in json {
      if name == "__metadata__" {
        guard let strings = value as? [String: String] else {
          throw .badHeader(file: path, fault: .badEntry(tensor: name))
        }
        metadata = strings
      } else {
        entries[name] = try Self.entry(name, value, path: path, start: start, total: total)
      }
    }
    try Self.checkOverlaps(entries, path: path)
    self.path = path
    self.entries = entries
    self.metadata = metadata
    self.file = file
  }

  private static func entry(
    _ name: String, _ value: Any, path: String, start: Int, total: Int
  ) throws(CheckpointError) -> Entry {
    guard let fields = value as? [String: Any], let typeName = fields["dtype"] as? String,
      let shape = fields["shape"] as? [Int], let offsets = fields["data_offsets"] as? [Int],
      offsets.count == 2
    else { throw .badHeader(file: path, fault: .badEntry(tensor: name)) }
    guard let type = ElementType(rawValue: typeName) else {
      throw .unknownType(file: path, tensor: name, found: typeName)
    }
    var size = type.size
    for dimension in shape {
      let (product, overflow) = size.multipliedReportingOverflow(by: dimension)
      guard dimension >= 0, !overflow else { throw .badHeader(file: path, fault: .badEntry(tensor: name)) }
      size = product
    }
    let (begin, end) = (offsets[0], offsets[1])
    guard begin >= 0, end >= begin else {
      throw .outOfRange(file: path, tensor: name, begin: begin, end: end, size: total - start)
    }
    guard end - begin == size else {
      throw .wrongSize(file: path, tensor: name, expected: size, found: end - begin)
    }
    guard end <= total - start else {
      let (expected, overflow) = start.addingReportingOverflow(end)
      throw .truncated(file: path, expected: overflow ? .max : expected, found: total)
    }
    return Entry(name: name, type: type, shape: shape, offset: start + begin, byteCount: size)
  }

  private static func checkOverlaps(_ entries: [String: Entry], path: String) throws(CheckpointError) {
    let sorted = entries.values.filter { $0.byteCount > 0 }.sorted { $0.offset < $1.offset }
    for (first, second) in zip(sorted, sorted.dropFirst())
    where first.offset + first.byteCount > second.offset {
      throw .overlap(file: path, tensor: second.name, other: first.name)
    }
  }

  /// The bytes of a tensor, valid while this object lives; little-endian, unaligned.
  public func bytes(_ entry: Entry) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: file.bytes[entry.offset..<entry.offset + entry.byteCount])
  }

  /// A tensor of that name, type and rank as 32-bit integers, row-major.
  public func int32s(_ name: String, rank: Int) throws(CheckpointError) -> (shape: [Int], values: [Int32]) {
    let entry = try typed(name, .int32, rank: rank)
    let values = (0..<entry.count).map {
      Int32(littleEndian: bytes(entry).loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self))
    }
    return (entry.shape, values)
  }

  /// A tensor of that name, type and rank as floats, row-major.
  public func floats(_ name: String, rank: Int) throws(CheckpointError) -> (shape: [Int], values: [Float]) {
    let entry = try typed(name, .float32, rank: rank)
    let values = (0..<entry.count).map { bytes(entry).loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
    return (entry.shape, values)
  }

  private func typed(_ name: String, _ type: ElementType, rank: Int) throws(CheckpointError) -> Entry {
    guard let entry = entries[name] else {
      throw .missingTensor(file: path, tensor: name, present: entries.count)
    }
    guard entry.type == type else {
      throw .wrongType(file: path, tensor: name, expected: type.rawValue, found: entry.type.rawValue)
    }
    guard entry.shape.count == rank else {
      throw .wrongShape(
        file: path, tensor: name, expected: Array(repeating: -1, count: rank), found: entry.shape)
    }
    return entry
  }
}
