/// A GGUF file, as candle writes Moshi's weights: header, descriptions, then tensors at aligned offsets. Everything is
/// checked before a byte of data is used; a tensor's type is checked where it is read. Keys and values are skipped,
/// except for the alignment and the number of files.
package final class GGUF: Sendable {
  let tensors: [String: StoredTensor]

  private static let magic = Array("GGUF".utf8)
  // GGUF's numbers for the types that are supported.
  private static let (f32, f16, q8, bf16): (UInt32, UInt32, UInt32, UInt32) = (0, 1, 8, 30)
  private static let mostDimensions: UInt32 = 4
  private static let usualAlignment = 32

  package static func isOne(_ file: MappedFile) -> Bool {
    withExtendedLifetime(file) {
      // With the other byte order the four letters are reversed.
      file.bytes.prefix(4).elementsEqual(magic) || file.bytes.prefix(4).elementsEqual(magic.reversed())
    }
  }

  package init(_ file: MappedFile) throws(CheckpointError) {
    let path = file.path
    var reader = GGUFReader(path: path, bytes: file.bytes)
    reader.offset = Self.magic.count
    let version = try reader.number(UInt32.self)
    guard file.bytes.prefix(4).elementsEqual(Self.magic), !(1...3).contains(version.byteSwapped) else {
      throw .badGGUF(file: path, fault: .bigEndian)
    }
    guard (2...3).contains(version) else { throw .badGGUF(file: path, fault: .version(Int(version))) }
    let count = try reader.count(of: 24)  // A description has no fewer bytes.
    let keys = try reader.count(of: 12)
    let alignment = try Self.readKeys(&reader, count: keys)
    var described: [(name: String, shape: [Int], type: UInt32, offset: Int)] = []
    for _ in 0..<count {
      let name = try reader.string()
      let dimensions = try reader.number(UInt32.self)
      guard dimensions <= Self.mostDimensions else { throw .badGGUF(file: path, fault: .badEntry(name)) }
      // GGUF stores the innermost dimension first.
      var shape: [Int] = []
      for _ in 0..<dimensions { shape.insert(Int(clamping: try reader.number(UInt64.self)), at: 0) }
      let type = try reader.number(UInt32.self)
      described.append((name, shape, type, Int(clamping: try reader.number(UInt64.self))))
    }
    // With a huge alignment this overflows, which the guard below refuses.
    let start = (reader.offset.addingReportingOverflow(alignment - 1).partialValue) / alignment * alignment
    guard start >= reader.offset else {
      throw .badGGUF(file: path, fault: .alignment("\(alignment)"))
    }
    var tensors: [String: StoredTensor] = [:]
    for (name, shape, type, offset) in described {
      guard tensors[name] == nil else { throw .badGGUF(file: path, fault: .repeated(name)) }
      let (form, size) = try Self.form(type, shape, name, path)
      let (begin, overflow) = start.addingReportingOverflow(offset)
      guard !overflow, begin <= file.bytes.count, size <= file.bytes.count - begin else {
        throw .truncated(
          file: path, expected: overflow ? .max : begin.addingReportingOverflow(size).partialValue,
          found: file.bytes.count)
      }
      tensors[name] = StoredTensor(
        name: name, form: form, shape: shape,
        bytes: UnsafeRawBufferPointer(rebasing: file.bytes[begin..<begin + size]),
        groups: nil, file: file)
    }
    try Self.checkOverlaps(tensors, path)
    self.tensors = tensors
  }

  /// Skips the keys and their values.
  ///
  /// - Returns: the alignment.
  private static func readKeys(_ reader: inout GGUFReader, count: Int) throws(CheckpointError) -> Int {
    let path = reader.path
    var alignment = usualAlignment
    var parts = 1
    var seen: Set<String> = []
    for _ in 0..<count {
      let key = try reader.string()
      guard seen.insert(key).inserted else { throw .badGGUF(file: path, fault: .repeated(key)) }
      let type = try reader.number(UInt32.self)
      switch key {
      case "general.alignment":
        // With a wrong alignment every weight would be read from the wrong place, so an unknown value is an error.
        guard let value = try reader.integer(type) else {
          throw .badGGUF(file: path, fault: .alignment("a value of type \(type)"))
        }
        guard value > 0, value % 8 == 0 else {
          throw .badGGUF(file: path, fault: .alignment("\(value)"))
        }
        alignment = value
      case "split.count": if let value = try reader.integer(type) { parts = value } else { fallthrough }
      default: try reader.skip(type, key: key)
      }
    }
    guard parts <= 1 else { throw .badGGUF(file: path, fault: .split(parts)) }
    return alignment
  }

  private static func checkOverlaps(
    _ tensors: [String: StoredTensor], _ path: String
  ) throws(CheckpointError) {
    func end(_ tensor: StoredTensor) -> UnsafeRawPointer { tensor.bytes.baseAddress! + tensor.bytes.count }
    let sorted = tensors.values.filter { $0.bytes.count > 0 }.sorted {
      ($0.bytes.baseAddress!, $0.name) < ($1.bytes.baseAddress!, $1.name)
    }
    for (first, second) in zip(sorted, sorted.dropFirst()) where end(first) > second.bytes.baseAddress! {
      throw .overlap(file: path, tensor: second.name, other: first.name)
    }
  }

  /// How the numbers are stored, and how many bytes they take.
  private static func form(
    _ type: UInt32, _ shape: [Int], _ name: String, _ path: String
  ) throws(CheckpointError) -> (StoredTensor.Form, Int) {
    var count = 1
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow, product <= Int.max / 8 else { throw .badGGUF(file: path, fault: .badEntry(name)) }
      count = product
    }
    switch type {
    case f32: return (.plain(.float32), count * 4)
    case f16: return (.plain(.float16), count * 2)
    case bf16: return (.plain(.bfloat16), count * 2)
    case q8:
      guard shape.count == 2, shape[1] % StoredTensor.inputsPerBlock == 0 else {
        throw .badGGUF(file: path, fault: .badEntry(name))
      }
      return (.blocks, count / 32 * 34)
    case 24: return (.plain(.int8), count)
    case 26: return (.plain(.int32), count * 4)
    case 27: return (.plain(.int64), count * 8)
    default:
      // For other types, only the beginning is known to lie within the file.
      return (.unknown(names[type].map { "\($0) (GGUF type \(type))" } ?? "GGUF type \(type)"), 0)
    }
  }

  private static let names: [UInt32: String] = [
    2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K",
    14: "Q6_K", 15: "Q8_K", 25: "I16", 28: "F64",
  ]
}
