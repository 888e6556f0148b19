import Checkpoint
import Foundation
import Kernels
import TestSupport
import Testing

/// Quantized files of other programs, and hostile ones.
struct QuantizedFileTests {
  private let directory: TemporaryDirectory
  private var path: String { directory.file("model.gguf") }

  init() throws { directory = try TemporaryDirectory() }

  private static let files = [
    "gguf/model.q8.gguf", "mlx-q8/model.q8.safetensors", "mlx-q4/model.q4.safetensors",
  ]

  /// The name in MLX's layout.
  private static func mlx(_ name: String) -> String {
    var name = name
    if name.hasPrefix("emb.") { name = "audio_embs." + name.dropFirst(4) }
    if name.hasPrefix("depformer.") { name = "depformer.slices." + name.dropFirst(10) }
    return name.replacingOccurrences(of: "in_proj_weight", with: "in_proj.weight")
  }

  @Test("GGUF Q8_0, MLX q8 and MLX q4 hold exactly the numbers that the plain file holds", arguments: files)
  func exact(file: String) throws {
    let plain = try Checkpoint.open(Golden.path("tiny-quantized/plain/model.safetensors"))
    let quantized = try Checkpoint.open(Golden.path("tiny-quantized/" + file))
    var compared = 0
    for (name, tensor) in plain.tensors where tensor.shape.count == 2 {
      let (rows, columns) = (tensor.shape[0], tensor.shape[1])
      let expected = try plain.scope("").table(name, rows, columns)
      let ours = file.hasPrefix("mlx") ? Self.mlx(name) : name
      let found = try quantized.scope("").table(ours, rows, columns)
      for row in 0..<rows {
        #expect((0..<columns).allSatisfy { expected[row, $0] == found[row, $0] }, "\(name), row \(row)")
      }
      compared += 1
    }
    #expect(compared == 23)
  }

  @Test("a block that ggml made keeps its scale and its levels when it becomes one of ours")
  func blocks() throws {
    var noise = Noise(3)
    let (rows, columns) = (17, 64)
    var levels = (0..<rows * columns).map { _ in Int8.random(in: -127...127, using: &noise) }
    // Its largest level is always 127 or -127.
    for block in 0..<rows * columns / 32 {
      levels[block * 32 + Int(noise.next() % 32)] = block % 2 == 0 ? 127 : -127
    }
    let scales = (0..<rows * columns / 32).map { _ in Float16(Float.random(in: 0.001...0.1, using: &noise)) }
    try RawFile(Self.gguf("m", shape: [rows, columns], type: 8, Self.q8(levels, scales))).write(to: path)
    let matrix = try Checkpoint.open(path).scope("").matrix("m", rows, columns)
    #expect(matrix.format == .q8)
    for index in levels.indices {
      #expect(matrix[index / columns, index % columns] == Float(scales[index / 32]) * Float(levels[index]))
    }
  }

  private static func q8(_ levels: [Int8], _ scales: [Float16]) -> [UInt8] {
    scales.indices.flatMap { block in
      withUnsafeBytes(of: scales[block].bitPattern.littleEndian) { Array($0) }
        + levels[block * 32..<(block + 1) * 32].map { UInt8(bitPattern: $0) }
    }
  }

  private static func number<Number: FixedWidthInteger>(_ value: Number) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  private static func gguf(
    _ name: String, shape: [Int], type: UInt32, _ data: [UInt8], version: UInt32 = 3, offset: UInt64 = 0
  ) -> [UInt8] {
    var bytes = Array("GGUF".utf8) + number(version) + number(UInt64(1)) + number(UInt64(1))
    bytes += number(UInt64(17)) + Array("general.alignment".utf8) + number(UInt32(4)) + number(UInt32(64))
    bytes += number(UInt64(name.utf8.count)) + Array(name.utf8) + number(UInt32(shape.count))
    for size in shape.reversed() { bytes += number(UInt64(size)) }
    bytes += number(type) + number(offset)
    return bytes + [UInt8](repeating: 0, count: (64 - bytes.count % 64) % 64) + data
  }

  private func error(_ bytes: [UInt8]) throws -> CheckpointError? {
    try RawFile(bytes).write(to: path)
    return checkpointError { () throws(CheckpointError) in _ = try Checkpoint.open(path) }
  }

  /// The error of reading a matrix of a file that opens.
  private func readError(_ bytes: [UInt8]) throws -> CheckpointError? {
    try RawFile(bytes).write(to: path)
    let scope = try Checkpoint.open(path).scope("")
    return checkpointError { () throws(CheckpointError) in _ = try scope.matrix("m", 4, 4) }
  }

  @Test("a GGUF file that is cut, or of another kind, is one error that says so, and none is a crash")
  func hostile() throws {
    let data = [UInt8](repeating: 0, count: 64)
    let whole = Self.gguf("m", shape: [4, 4], type: 0, data)
    #expect(try error(whole) == nil)
    for length in stride(from: 4, to: whole.count - data.count - 63, by: 1) {
      #expect(try error(Array(whole.prefix(length))) != nil)
    }
    #expect(
      try error(Array(whole.prefix(whole.count - 1)))
        == .truncated(file: path, expected: whole.count, found: whole.count - 1))
    #expect(
      try error(Self.gguf("m", shape: [4, 4], type: 0, data, version: 9))
        == .badGGUF(file: path, fault: .version(9)))
    #expect(
      try readError(Self.gguf("m", shape: [4, 4], type: 2, data))
        == .unknownType(file: path, tensor: "m", found: "Q4_0 (GGUF type 2)"))
    #expect(
      try error(Self.gguf("m", shape: [4, 33], type: 8, data)) == .badGGUF(file: path, fault: .badEntry("m")))
    #expect(
      try error(Self.gguf("m", shape: [.max, 3], type: 0, data))
        == .badGGUF(file: path, fault: .badEntry("m")))
    #expect(try error(Self.gguf("m", shape: [4, 4], type: 0, data, offset: .max)) != nil)
  }

  @Test("a packed file of another version, or with a card that leads beyond its bytes, is refused")
  func cards() throws {
    func file(_ version: String, _ bits: String, _ tensors: String) throws -> CheckpointError? {
      let metadata =
        #"{"antiphon_packed":"\#(version)","source":"m","source_sha256":"0","bits":"\#(bits)","kept":"{}","tensors":"\#(tensors)"}"#
      let header = #"{"__metadata__":\#(metadata),"w":{"dtype":"U8","shape":[1,544],"data_offsets":[0,544]}}"#
      try RawFile(header: header, data: 544).write(to: path)
      return checkpointError { () throws(CheckpointError) in _ = try Checkpoint.open(path) }
    }
    func tensor(_ bits: Int, _ shape: [Int], _ parts: Int) -> String {
      #"{\"w\":{\"bits\":\#(bits),\"shape\":\#(shape),\"parts\":\#(parts),\"error\":\"0\",\"sha256\":\"0\"}}"#
    }
    #expect(try file("1", "8", tensor(8, [16, 32], 1)) == nil)
    #expect(
      try file("2", "8", tensor(8, [16, 32], 1)) == .packedVersion(file: path, found: "2", known: 1))
    #expect(try file("1", "eight", tensor(8, [16, 32], 1)) != nil)
    for wrong in [
      tensor(8, [16, 64], 1), tensor(4, [16, 32], 1), tensor(5, [16, 32], 1), tensor(8, [16, 32], 3),
      tensor(8, [-16, 32], 1), tensor(8, [16, 31], 1), tensor(8, [.max, 32], 1), tensor(8, [16, 32], 0),
    ] {
      #expect(try file("1", "8", wrong) != nil, "\(wrong)")
    }
  }
}
