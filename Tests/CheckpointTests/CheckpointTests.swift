import Checkpoint
import Kernels
import TestSupport
import Testing

/// Typed weights from a file, or an error that names the tensor.
struct CheckpointTests {
  private let directory: TemporaryDirectory
  private var path: String { directory.file("model.safetensors") }

  init() throws { directory = try TemporaryDirectory() }

  private func checkpoint(_ tensors: [(String, [Float], [Int])]) throws -> Checkpoint {
    var writer = SafetensorsWriter()
    for (name, values, shape) in tensors { writer.add(name, values, shape: shape) }
    try writer.write(to: path)
    return Checkpoint(try Safetensors(path))
  }

  @Test("a missing tensor is named with its whole prefix, and how many are there")
  func missing() throws {
    let scope = try checkpoint([("a.b.weight", [1, 2], [2])]).scope("a")["b"]
    #expect(
      checkpointError { () throws(CheckpointError) in _ = try scope.vector("bias", 2) }
        == .missingTensor(file: path, tensor: "a.b.bias", present: 1))
    #expect(
      checkpointError { () throws(CheckpointError) in _ = try scope["c"].matrix("weight", 2, 2) }
        == .missingTensor(file: path, tensor: "a.b.c.weight", present: 1))
    #expect(scope.has("weight") && !scope.has("bias"))
  }

  @Test("a wrong shape tells what was expected and what was found")
  func shapes() throws {
    let scope = try checkpoint([("m", [Float](repeating: 1, count: 6), [2, 3]), ("v", [1, 2, 3], [3])]).scope(
      "")
    func error(_ body: () throws(CheckpointError) -> Void) -> CheckpointError? { checkpointError(body) }
    #expect(
      error { () throws(CheckpointError) in _ = try scope.matrix("m", 3, 2) }
        == .wrongShape(file: path, tensor: "m", expected: [3, 2], found: [2, 3]))
    #expect(
      error { () throws(CheckpointError) in _ = try scope.matrix("v", 1, 3) }
        == .wrongShape(file: path, tensor: "v", expected: [1, 3], found: [3]))
    #expect(
      error { () throws(CheckpointError) in _ = try scope.vector("v", 4) }
        == .wrongShape(file: path, tensor: "v", expected: [4], found: [3]))
    // Six numbers, but not in one row.
    #expect(
      error { () throws(CheckpointError) in _ = try scope.vector("m", 6) }
        == .wrongShape(file: path, tensor: "m", expected: [6], found: [2, 3]))
    #expect(
      error { () throws(CheckpointError) in _ = try scope.values("m", [6]) }
        == .wrongShape(file: path, tensor: "m", expected: [6], found: [2, 3]))
  }

  @Test("vectors and matrices may carry dimensions of one, as norms and 1x1 convolutions do")
  func ones() throws {
    let scope = try checkpoint([("norm", [1, 2, 3], [1, 1, 3]), ("conv", [1, 2, 3, 4], [2, 2, 1])]).scope("")
    let vector = try scope.vector("norm", 3)
    #expect((0..<3).map { vector[$0] } == [1, 2, 3])
    let matrix = try scope.matrix("conv", 2, 2)
    #expect(matrix[1, 0] == 3)
  }

  @Test("some rows of a stacked matrix")
  func stacked() throws {
    let scope = try checkpoint([("m", (0..<12).map(Float.init), [6, 2])]).scope("")
    let middle = try scope.matrix("m", 2, 2, rowOffset: 2, stacked: 6)
    #expect([middle[0, 0], middle[0, 1], middle[1, 0], middle[1, 1]] == [4, 5, 6, 7])
  }

  @Test("a vector with NaN or infinity is refused by name", arguments: [Float.nan, .infinity, -.infinity])
  func notFinite(value: Float) throws {
    let scope = try checkpoint([("scale", [1, value], [2])]).scope("")
    #expect(
      checkpointError { () throws(CheckpointError) in _ = try scope.vector("scale", 2) }
        == .notFinite(file: path, tensor: "scale"))
  }

  @Test("integers are no weights")
  func types() throws {
    var writer = SafetensorsWriter()
    writer.add("n", [1, 2, 3, 4] as [Int32], shape: [2, 2])
    try writer.write(to: path)
    let scope = Checkpoint(try Safetensors(path)).scope("")
    let expected = CheckpointError.wrongType(
      file: path, tensor: "n", expected: "F32, BF16 or F16", found: "I32")
    #expect(checkpointError { () throws(CheckpointError) in _ = try scope.matrix("n", 2, 2) } == expected)
    #expect(checkpointError { () throws(CheckpointError) in _ = try scope.values("n", [2, 2]) } == expected)
  }

  @Test("F32, BF16 and F16 hold the same numbers, wherever the header ends")
  func precisions() throws {
    // 1, -2, 0.5, 3 in each type; the odd header length leaves the data unaligned.
    let bits: [(String, [UInt8])] = [
      ("F32", [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0, 0, 0, 0, 0x3F, 0, 0, 0x40, 0x40]),
      ("BF16", [0x80, 0x3F, 0, 0xC0, 0, 0x3F, 0x40, 0x40]), ("F16", [0, 0x3C, 0, 0xC0, 0, 0x38, 0, 0x42]),
    ]
    for (type, bytes) in bits {
      for padding in 0..<4 {
        var file = RawFile(
          header: #"{"w":{"dtype":"\#(type)","shape":[2,2],"data_offsets":[0,\#(bytes.count)]}}"#
            + String(repeating: " ", count: padding))
        file.bytes += bytes
        try file.write(to: path)
        let scope = Checkpoint(try Safetensors(path)).scope("")
        let matrix = try scope.matrix("w", 2, 2)
        let values = try scope.values("w", [2, 2])
        #expect((0..<4).map { values[$0] } == [1, -2, 0.5, 3])
        #expect((0..<4).map { matrix[$0 / 2, $0 % 2] } == [1, -2, 0.5, 3])
        var y: [Float] = [0, 0]
        matrix.multiply([2, 1], xStride: 2, into: &y, yStride: 2, count: 1, Workers(threads: 1))
        #expect(y == [0, 4])
      }
    }
  }

  @Test("renamed tensors answer to our names only, hidden ones to none")
  func renames() throws {
    var writer = SafetensorsWriter()
    for name in ["old.a", "old.b", "junk"] { writer.add(name, [1] as [Float], shape: [1]) }
    try writer.write(to: path)
    let checkpoint = Checkpoint(try Safetensors(path)) { name in
      name.hasPrefix("old.") ? "new." + name.dropFirst(4) : nil
    }
    #expect(checkpoint.has("new.a") && !checkpoint.has("old.a") && !checkpoint.has("junk"))
    #expect(checkpoint.count(prefix: "new.") == 2)
  }
}
