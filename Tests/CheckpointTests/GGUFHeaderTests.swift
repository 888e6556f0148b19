import Checkpoint
import Kernels
import TestSupport
import Testing

/// What a GGUF file may say in its header, and what not.
struct GGUFHeaderTests {
  private let directory: TemporaryDirectory
  private var path: String { directory.file("model.gguf") }

  init() throws { directory = try TemporaryDirectory() }

  /// A file with two F32 tensors of four numbers, 0 to 3 and 4 to 7.
  private struct File {
    var magic = "GGUF"
    var version: UInt32 = 3
    var keys: [[UInt8]] = []
    var names = ["a", "b"]
    var types: [UInt32] = [0, 0]
    var offsets: [UInt64] = [0, 64]
    var alignment = 32
    var claimedKeys: UInt64?

    var bytes: [UInt8] {
      var bytes = Array(magic.utf8) + number(version) + number(UInt64(names.count))
      bytes += number(claimedKeys ?? UInt64(keys.count)) + keys.joined()
      for (index, name) in names.enumerated() {
        bytes += text(name) + number(UInt32(1)) + number(UInt64(4))
        bytes += number(types[index]) + number(offsets[index])
      }
      bytes += [UInt8](repeating: 0xFF, count: (alignment - bytes.count % alignment) % alignment)
      for first in [0, 4] {
        for value in first..<first + 4 { bytes += number(Float(value).bitPattern) }
        bytes += [UInt8](repeating: 0xFF, count: 48)
      }
      return bytes
    }
  }

  private static func number<Number: FixedWidthInteger>(_ value: Number) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }
  private static func text(_ text: String) -> [UInt8] { number(UInt64(text.utf8.count)) + Array(text.utf8) }

  /// A key with a value of a type of the format.
  private static func key<Number: FixedWidthInteger>(
    _ name: String, _ type: UInt32, _ value: Number
  ) -> [UInt8] { text(name) + number(type) + number(value) }

  private static let alignmentKey = "general.alignment"

  private func error(_ file: File) throws -> CheckpointError? {
    try RawFile(file.bytes).write(to: path)
    return checkpointError { () throws(CheckpointError) in _ = try Checkpoint.open(path) }
  }

  private func second(_ file: File) throws -> [Float] {
    try RawFile(file.bytes).write(to: path)
    let vector = try Checkpoint.open(path).scope("").vector("b", 4)
    return (0..<4).map { vector[$0] }
  }

  @Test("an alignment of any type of integer is understood, and every multiple of 8 is one")
  func alignments() throws {
    let keys: [(Int, [UInt8])] = [
      (8, Self.key(Self.alignmentKey, 0, UInt8(8))), (8, Self.key(Self.alignmentKey, 1, Int8(8))),
      (4096, Self.key(Self.alignmentKey, 2, UInt16(4096))),
      (4096, Self.key(Self.alignmentKey, 3, Int16(4096))),
      (24, Self.key(Self.alignmentKey, 4, UInt32(24))), (64, Self.key(Self.alignmentKey, 4, UInt32(64))),
      (40, Self.key(Self.alignmentKey, 5, Int32(40))),
      (4096, Self.key(Self.alignmentKey, 10, UInt64(4096))),
      (72, Self.key(Self.alignmentKey, 11, Int64(72))),
    ]
    for version: UInt32 in [2, 3] {
      for (alignment, key) in keys {
        #expect(
          try second(File(version: version, keys: [key], alignment: alignment)) == [4, 5, 6, 7],
          "\(alignment)")
      }
    }
    #expect(try second(File()) == [4, 5, 6, 7])
  }

  @Test("an alignment that is not a multiple of 8 above 0 is an error that names it, never another alignment")
  func wrongAlignments() throws {
    func fault(_ key: [UInt8]) throws -> CheckpointError? { try error(File(keys: [key])) }
    func wrong(_ found: String) -> CheckpointError { .badGGUF(file: path, fault: .alignment(found)) }
    #expect(try fault(Self.key(Self.alignmentKey, 4, UInt32(0))) == wrong("0"))
    #expect(try fault(Self.key(Self.alignmentKey, 4, UInt32(12))) == wrong("12"))
    #expect(try fault(Self.key(Self.alignmentKey, 5, Int32(-32))) == wrong("-32"))
    #expect(try fault(Self.key(Self.alignmentKey, 11, Int64.min)) == wrong("\(Int64.min)"))
    #expect(try fault(Self.key(Self.alignmentKey, 10, UInt64.max)) == wrong("\(Int.max)"))
    // Understood, and beyond every file.
    #expect(try fault(Self.key(Self.alignmentKey, 10, UInt64(1) << 62)) != nil)
    // A float, a flag, a string, a list, and a type that is none.
    for type: UInt32 in [6, 7, 8, 9, 12, 13, 99] {
      #expect(try fault(Self.key(Self.alignmentKey, type, UInt64(32))) == wrong("a value of type \(type)"))
    }
    let twice = [Self.key(Self.alignmentKey, 4, UInt32(32)), Self.key(Self.alignmentKey, 4, UInt32(64))]
    #expect(try error(File(keys: twice)) == .badGGUF(file: path, fault: .repeated(Self.alignmentKey)))
  }

  @Test("values of every type are passed over: numbers, flags, strings, lists and lists of lists")
  func values() throws {
    var keys = (0...12).filter { ![8, 9].contains($0) }.map { type in
      let size = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8][type]
      return Self.text("k\(type)") + Self.number(UInt32(type)) + [UInt8](repeating: 1, count: size)
    }
    keys.append(Self.text("string") + Self.number(UInt32(8)) + Self.text("text"))
    let strings = Self.number(UInt32(8)) + Self.number(UInt64(2)) + Self.text("x") + Self.text("")
    keys.append(Self.text("strings") + Self.number(UInt32(9)) + strings)
    keys.append(
      Self.text("flags") + Self.number(UInt32(9)) + Self.number(UInt32(7)) + Self.number(UInt64(3)) + [
        0, 1, 0,
      ])
    keys.append(
      Self.text("nested") + Self.number(UInt32(9)) + Self.number(UInt32(9)) + Self.number(UInt64(1)) + strings
    )
    #expect(try second(File(keys: keys)) == [4, 5, 6, 7])
  }

  @Test("counts and lengths beyond the file, and lists as deep as the file is long, are errors")
  func lengths() throws {
    let long = Self.number(UInt64.max)
    func fault(_ value: [UInt8]) throws -> CheckpointError? {
      try error(File(keys: [Self.text("k") + value]))
    }
    let short = CheckpointError.badGGUF(file: path, fault: .tooShort)
    #expect(try fault(Self.number(UInt32(8)) + long) == short)
    #expect(try fault(Self.number(UInt32(9)) + Self.number(UInt32(4)) + long) == short)
    #expect(try fault(Self.number(UInt32(9)) + Self.number(UInt32(8)) + long) == short)
    #expect(try error(File(claimedKeys: .max)) == short)
    var deep = Self.number(UInt32(9))
    for _ in 0..<10_000 { deep += Self.number(UInt32(9)) + Self.number(UInt64(1)) }
    #expect(try fault(deep) == .badGGUF(file: path, fault: .badEntry("k")))
    #expect(try fault(Self.number(UInt32(13))) == .badGGUF(file: path, fault: .badEntry("k")))
  }

  @Test("two tensors of one name, and two in one place, are named")
  func twice() throws {
    #expect(try error(File(names: ["a", "a"])) == .badGGUF(file: path, fault: .repeated("a")))
    #expect(try error(File(offsets: [0, 8])) == .overlap(file: path, tensor: "b", other: "a"))
    #expect(try error(File(offsets: [0, 16])) == nil)
  }

  @Test("a tensor of a type that is not read is no matter until it is asked for")
  func unusedTypes() throws {
    for (type, name) in [
      (12, "Q4_K (GGUF type 12)"), (39, "GGUF type 39"), (4_000_000_000, "GGUF type 4000000000"),
    ] {
      let file = File(types: [UInt32(type), 0])
      #expect(try second(file) == [4, 5, 6, 7])
      let scope = try Checkpoint.open(path).scope("")
      #expect(
        checkpointError { () throws(CheckpointError) in _ = try scope.vector("a", 4) }
          == .unknownType(file: path, tensor: "a", found: name))
    }
    // Even of these the beginning lies in the file.
    #expect(try error(File(types: [12, 0], offsets: [1 << 40, 0])) != nil)
  }

  @Test("another byte order, an old version, and one of several files are told from damage")
  func kinds() throws {
    #expect(try error(File(version: UInt32(3).byteSwapped)) == .badGGUF(file: path, fault: .bigEndian))
    #expect(try error(File(magic: "FUGG")) == .badGGUF(file: path, fault: .bigEndian))
    #expect(try error(File(version: 1)) == .badGGUF(file: path, fault: .version(1)))
    #expect(try error(File(version: 4)) == .badGGUF(file: path, fault: .version(4)))
    #expect(
      try error(File(keys: [Self.key("split.count", 2, UInt16(3))])) == .badGGUF(file: path, fault: .split(3))
    )
    #expect(try error(File(keys: [Self.key("split.count", 2, UInt16(1))])) == nil)
    #expect(try error(File(keys: [Self.key("split.count", 7, UInt8(1))])) == nil)
  }
}
