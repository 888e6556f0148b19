/// Reads the header of a GGUF file, never beyond the file's end.
struct GGUFReader {
  let path: String
  let bytes: UnsafeRawBufferPointer
  var offset = 0

  // Nested lists are allowed but rare; without a limit they could be nested as deep as the file is long.
  private static let deepestList = 8
  private static let (text, list): (UInt32, UInt32) = (8, 9)

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

  /// A count of items of at least `size` bytes each: no more than fit into the rest of the file.
  mutating func count(of size: Int) throws(CheckpointError) -> Int {
    let count = Int(clamping: try number(UInt64.self))
    guard count <= (bytes.count - offset) / size else { throw .badGGUF(file: path, fault: .tooShort) }
    return count
  }

  mutating func string() throws(CheckpointError) -> String {
    let length = try count(of: 1)
    return String(decoding: try take(length), as: UTF8.self)
  }

  /// Reads an integer of any type; nil, and nothing is read, if the value has another type.
  mutating func integer(_ type: UInt32) throws(CheckpointError) -> Int? {
    switch type {
    case 0: Int(try number(UInt8.self))
    case 1: Int(try number(Int8.self))
    case 2: Int(try number(UInt16.self))
    case 3: Int(try number(Int16.self))
    case 4: Int(try number(UInt32.self))
    case 5: Int(try number(Int32.self))
    case 10: Int(clamping: try number(UInt64.self))
    case 11: Int(clamping: try number(Int64.self))
    default: nil
    }
  }

  /// Bytes of a value of this type; nil for strings, lists and unknown types.
  private static func size(_ type: UInt32) -> Int? {
    switch type {
    case 0, 1, 7: 1
    case 2, 3: 2
    case 4, 5, 6: 4
    case 10, 11, 12: 8
    default: nil
    }
  }

  /// Skips the value of a key.
  mutating func skip(_ type: UInt32, key: String, depth: Int = 0) throws(CheckpointError) {
    if let size = Self.size(type) {
      _ = try take(size)
    } else if type == Self.text {
      let length = try count(of: 1)
      _ = try take(length)
    } else if type == Self.list, depth < Self.deepestList {
      let element = try number(UInt32.self)
      if let size = Self.size(element) {
        let length = try count(of: size)
        _ = try take(length * size)
      } else {
        // A string has at least 8 bytes, and a list 12.
        let length = try count(of: 8)
        for _ in 0..<length { try skip(element, key: key, depth: depth + 1) }
      }
    } else {
      throw .badGGUF(file: path, fault: .badEntry(key))
    }
  }
}
