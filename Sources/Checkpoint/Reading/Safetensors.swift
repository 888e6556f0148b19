internal import Foundation

/// A safetensors file: u64 header length, JSON header, tensors; or an index and the files that it names (`ShardIndex`).
///
/// Everything is checked before a byte of data is used. A tensor's type is checked where it is read, because a file may
/// hold tensors that are not used.
public final class Safetensors: Sendable {
  /// One tensor of the file.
  public struct Entry: Sendable {
    /// Its name in the header.
    public let name: String
    /// Its element type; nil if this version does not know it.
    public let type: ElementType?
    /// The element type as the file spells it.
    public let typeName: String
    /// Its dimensions, outermost first.
    public let shape: [Int]
    /// Offset of the first byte in the file.
    let offset: Int
    /// Bytes of data.
    public let byteCount: Int
    let file: MappedFile

    /// Number of elements.
    public var count: Int { shape.reduce(1, *) }
  }

  /// Path of the file.
  public let path: String
  /// The tensors by name.
  public let entries: [String: Entry]
  /// The `__metadata__` strings. A value that is not a string is left out here, and is an error if it is read.
  public var metadata: [String: String] { strings.texts }
  let strings: Metadata
  let files: WeightFiles

  /// The `__metadata__` of a file.
  struct Metadata {
    var texts: [String: String] = [:]
    /// Keys whose values are not strings, with those values.
    var others: [String: String] = [:]

    mutating func merge(_ more: Metadata) {
      texts.merge(more.texts) { first, _ in first }
      others.merge(more.others) { first, _ in first }
    }
  }

  // The format's own limit.
  private static let longestHeader = 100_000_000

  /// Maps a file, or the shards of an index, and checks the headers.
  ///
  /// - Parameter path: a file, an index, or a name whose index exists in place of the file.
  /// - Throws: `CheckpointError`, which says what is wrong and where.
  public convenience init(_ path: String) throws(CheckpointError) {
    if let index = ShardIndex.path(of: path) {
      try self.init(shardsOf: index)
    } else {
      try self.init(MappedFile(path))
    }
  }

  init(path: String, entries: [String: Entry], metadata: Metadata, files: WeightFiles) {
    self.path = path
    self.entries = entries
    strings = metadata
    self.files = files
  }

  /// Reads one file.
  package init(_ file: MappedFile) throws(CheckpointError) {
    let path = file.path
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
    if let name = JSONKeys.repeated(in: UnsafeRawBufferPointer(rebasing: file.bytes[8..<start]), depth: 1) {
      throw .badHeader(file: path, fault: .repeated(tensor: name))
    }
    var entries: [String: Entry] = [:]
    var metadata = Metadata()
    // Sorted, so that if there are several faults, the same one is always reported.
    for (name, value) in json.sorted(by: { $0.key < $1.key }) {
      if name == "__metadata__" {
        metadata = try Self.metadata(value, path)
      } else {
        entries[name] = try Self.entry(name, value, file, start: start)
      }
    }
    try Self.checkOverlaps(entries, path: path)
    self.path = path
    self.entries = entries
    strings = metadata
    files = WeightFiles(files: [file])
  }

  private static func metadata(_ value: Any, _ path: String) throws(CheckpointError) -> Metadata {
    var metadata = Metadata()
    if value is NSNull { return metadata }
    guard let values = value as? [String: Any] else {
      throw .badHeader(file: path, fault: .badEntry(tensor: "__metadata__"))
    }
    for (key, value) in values {
      if let text = value as? String {
        metadata.texts[key] = text
      } else {
        metadata.others[key] = String(String(describing: value).prefix(60))
      }
    }
    return metadata
  }

  /// A string of the metadata; nil if there is none of that name.
  package func text(_ key: String) throws(CheckpointError) -> String? {
    if let found = strings.others[key] {
      throw .badField(file: path, field: "__metadata__." + key, expected: "a string", found: found)
    }
    return strings.texts[key]
  }

  private static func entry(
    _ name: String, _ value: Any, _ file: MappedFile, start: Int
  ) throws(CheckpointError) -> Entry {
    let (path, total) = (file.path, file.bytes.count)
    guard let fields = value as? [String: Any], let typeName = fields["dtype"] as? String,
      let shape = fields["shape"] as? [Int], let offsets = fields["data_offsets"] as? [Int],
      offsets.count == 2
    else { throw .badHeader(file: path, fault: .badEntry(tensor: name)) }
    let type = ElementType(rawValue: typeName)
    // For an unknown type, only the number of elements is checked for overflow.
    var size = type?.size ?? 1
    for dimension in shape {
      let (product, overflow) = size.multipliedReportingOverflow(by: dimension)
      guard dimension >= 0, !overflow else { throw .badHeader(file: path, fault: .badEntry(tensor: name)) }
      size = product
    }
    let (begin, end) = (offsets[0], offsets[1])
    guard begin >= 0, end >= begin else {
      throw .outOfRange(file: path, tensor: name, begin: begin, end: end, size: total - start)
    }
    guard type == nil || end - begin == size else {
      throw .wrongSize(file: path, tensor: name, expected: size, found: end - begin)
    }
    guard end <= total - start else {
      let (expected, overflow) = start.addingReportingOverflow(end)
      throw .truncated(file: path, expected: overflow ? .max : expected, found: total)
    }
    return Entry(
      name: name, type: type, typeName: typeName, shape: shape, offset: start + begin,
      byteCount: end - begin, file: file)
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
    UnsafeRawBufferPointer(rebasing: entry.file.bytes[entry.offset..<entry.offset + entry.byteCount])
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
      throw .wrongType(file: path, tensor: name, expected: type.rawValue, found: entry.typeName)
    }
    guard entry.shape.count == rank else {
      throw .wrongShape(
        file: path, tensor: name, expected: Array(repeating: -1, count: rank), found: entry.shape)
    }
    return entry
  }
}
