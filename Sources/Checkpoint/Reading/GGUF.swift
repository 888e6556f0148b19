/// A GGUF file, as candle writes Moshi's weights: header, descriptions, then tensors at aligned offsets. Everything is
/// checked before a byte of data is used. Keys and values are passed over, but for the alignment.
package final class GGUF: Sendable {
  package let path: String
  let file: MappedFile
  let tensors: [String: StoredTensor]

  private static let magic = Array("GGUF".utf8)
  // What the format numbers its kinds of numbers by, those that are read.
  private static let (f32, f16, q8, bf16): (UInt32, UInt32, UInt32, UInt32) = (0, 1, 8, 30)
  private static let mostDimensions: UInt32 = 4

  package static func isOne(_ path: String) throws(CheckpointError) -> Bool {
    let file = try MappedFile(path)
    return withExtendedLifetime(file) { file.bytes.prefix(4).elementsEqual(magic) }
  }

  package init(_ path: String) throws(CheckpointError) {
    let file = try MappedFile(path)
    var reader = Reader(path: path, bytes: file.bytes)
    reader.offset = Self.magic.count
    let version = try reader.number(UInt32.self)
    guard (2...3).contains(version) else { throw .badGGUF(file: path, fault: .version(Int(version))) }
    let count = try reader.count(of: 24)  // A description has no fewer bytes.
    let keys = try reader.count(of: 12)
    var alignment = 32
    for _ in 0..<keys {
      let key = try reader.string()
      let type = try reader.number(UInt32.self)
      if key == "general.alignment", type == 4 {
        alignment = Int(try reader.number(UInt32.self))
        guard alignment > 0, alignment.nonzeroBitCount == 1 else {
          throw .badGGUF(file: path, fault: .badEntry(key))
        }
      } else {
        try reader.skip(type, key: key)
      }
    }
    var described: [(name: String, shape: [Int], type: UInt32, offset: Int)] = []
    for _ in 0..<count {
      let name = try reader.string()
      let dimensions = try reader.number(UInt32.self)
      guard dimensions <= Self.mostDimensions else { throw .badGGUF(file: path, fault: .badEntry(name)) }
      // The innermost dimension comes first.
      var shape: [Int] = []
      for _ in 0..<dimensions { shape.insert(Int(clamping: try reader.number(UInt64.self)), at: 0) }
      let type = try reader.number(UInt32.self)
      described.append((name, shape, type, Int(clamping: try reader.number(UInt64.self))))
    }
    let start = (reader.offset + alignment - 1) & ~(alignment - 1)
    var tensors: [String: StoredTensor] = [:]
    for (name, shape, type, offset) in described {
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
    self.path = path
    self.file = file
    self.tensors = tensors
  }

  /// How the numbers are stored, and their bytes.
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
    default: throw .unknownType(file: path, tensor: name, found: "GGUF type \(type)")
    }
  }

  /// Reads the header, and stops at the file's end.
  private struct Reader {
    let path: String
    let bytes: UnsafeRawBufferPointer
    var offset = 0

    mutating func take(_ count: Int) throws(CheckpointError) -> UnsafeRawBufferPointer {
      guard count <= bytes.count - offset else { throw .badGGUF(file: path, fault: .tooShort) }
      defer { offset += count }
      return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    }

    mutating func number<Number: FixedWidthInteger & BitwiseCopyable>(
      _ type: Number.Type
    ) throws(CheckpointError) -> Number {
      Number(littleEndian: try take(MemoryLayout<Number>.size).loadUnaligned(as: Number.self))
    }

    /// A count of things of at least `size` bytes each: there cannot be more of them than fit.
    mutating func count(of size: Int) throws(CheckpointError) -> Int {
      let count = Int(clamping: try number(UInt64.self))
      guard count <= (bytes.count - offset) / size else { throw .badGGUF(file: path, fault: .tooShort) }
      return count
    }

    mutating func string() throws(CheckpointError) -> String {
      let length = try count(of: 1)
      return String(decoding: try take(length), as: UTF8.self)
    }

    /// Passes over a value of a key.
    mutating func skip(_ type: UInt32, key: String) throws(CheckpointError) {
      switch type {
      case 0, 1, 7: _ = try take(1)
      case 2, 3: _ = try take(2)
      case 4, 5, 6: _ = try take(4)
      case 10, 11, 12: _ = try take(8)
      case 8: _ = try string()
      case 9:
        let element = try number(UInt32.self)
        let length = try count(of: 1)
        // Lists of lists are not written by anybody, and could be as deep as the file is long.
        guard element != 9 else { throw .badGGUF(file: path, fault: .badEntry(key)) }
        for _ in 0..<length { try skip(element, key: key) }
      default: throw .badGGUF(file: path, fault: .badEntry(key))
      }
    }
  }
}
