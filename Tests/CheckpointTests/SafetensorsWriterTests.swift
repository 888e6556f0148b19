import Checkpoint
import Foundation
import TestSupport
import Testing

struct SafetensorsWriterTests {
  private let directory: TemporaryDirectory
  private var path: String { directory.file("out.safetensors") }

  init() throws { directory = try TemporaryDirectory() }

  private func example() -> SafetensorsWriter {
    var writer = SafetensorsWriter(metadata: ["sample_rate": "24000", "quote\"": "a\nb"])
    writer.add("codes", [1, -2, .max, .min, 0, 7] as [Int32], shape: [2, 3])
    writer.add("pcm", [0.5, -1, .nan, .infinity] as [Float], shape: [4])
    writer.add("nothing", [] as [Float], shape: [0, 3])
    writer.add("one", [3] as [Int32], shape: [])
    return writer
  }

  @Test("what was written is read back")
  func roundTrip() throws {
    try example().write(to: path)
    let file = try Safetensors(path)
    #expect(file.metadata == ["sample_rate": "24000", "quote\"": "a\nb"])
    #expect(Set(file.entries.keys) == ["codes", "pcm", "nothing", "one"])
    let codes = try file.int32s("codes", rank: 2)
    #expect(codes.shape == [2, 3] && codes.values == [1, -2, .max, .min, 0, 7])
    let pcm = try file.floats("pcm", rank: 1)
    #expect(pcm.values[0] == 0.5 && pcm.values[2].isNaN && pcm.values[3] == .infinity)
    #expect(try file.floats("nothing", rank: 2).values.isEmpty)
    #expect(try file.int32s("one", rank: 0).values == [3])
  }

  @Test("the same content is the same file, and data start on a multiple of eight")
  func layout() throws {
    try example().write(to: path)
    let first = try Data(contentsOf: URL(filePath: path))
    try example().write(to: path)
    #expect(try Data(contentsOf: URL(filePath: path)) == first)
    #expect(first.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) } % 8 == 0)
    // Nothing is left beside the file.
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["out.safetensors"])
  }

  @Test("a tensor of another type or rank is an error that names both")
  func kinds() throws {
    try example().write(to: path)
    let file = try Safetensors(path)
    #expect(
      checkpointError { () throws(CheckpointError) in _ = try file.int32s("pcm", rank: 1) }
        == .wrongType(file: path, tensor: "pcm", expected: "I32", found: "F32"))
    #expect(
      checkpointError { () throws(CheckpointError) in _ = try file.int32s("codes", rank: 1) }
        == .wrongShape(file: path, tensor: "codes", expected: [-1], found: [2, 3]))
    #expect(
      checkpointError { () throws(CheckpointError) in _ = try file.floats("absent", rank: 1) }
        == .missingTensor(file: path, tensor: "absent", present: 4))
  }

  @Test("where nothing can be written the error has the system's reason, and nothing is left behind")
  func unwritable() throws {
    let none = directory.file("none/out.safetensors")
    #expect(
      checkpointError { () throws(CheckpointError) in try example().write(to: none) }
        == .cannotWrite(file: none, code: ENOENT))
    // A directory stands where the file should appear.
    let taken = directory.file("taken")
    try FileManager.default.createDirectory(atPath: taken + "/inside", withIntermediateDirectories: true)
    let error = checkpointError { () throws(CheckpointError) in try example().write(to: taken) }
    #expect(error == .cannotWrite(file: taken, code: EISDIR))
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["taken"])
  }

  @Test("the digest is the SHA-256 of the whole file")
  func digest() throws {
    // sha256sum of the ten bytes 02 00 00 00 00 00 00 00 '{' '}'.
    try RawFile(header: "{}").write(to: path)
    let digest = "411a485216e432ece6b9af94fa32154cf79a2a56d4f81266baa50063f45092bd"
    #expect(try Safetensors(path).digest == digest)
  }
}
