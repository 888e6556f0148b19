import Checkpoint
import Kernels
import TestSupport
import Testing

/// A file may hold what this version does not know, as long as nobody asks for it.
struct UnusedTensorTests {
  private let directory: TemporaryDirectory
  private var path: String { directory.file("model.safetensors") }

  init() throws { directory = try TemporaryDirectory() }

  private func open(_ type: String, metadata: String = "{}") throws -> Checkpoint {
    let header = #"""
      {"__metadata__":\#(metadata),"used":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},
      "other":{"dtype":"\#(type)","shape":[2,2],"data_offsets":[16,\#(type == "F32" ? 32 : 20)]}}
      """#
    try RawFile(header: header, data: 32).write(to: path)
    return try Checkpoint.open(path)
  }

  @Test(
    "a tensor of a type that is not known is no matter until it is read, and then both are named",
    arguments: [
      "BOOL", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F4", "F6_E2M3", "U16", "I16", "U64", "F64", "C64", "F128",
      "", "of the future",
    ])
  func types(type: String) throws {
    let checkpoint = try open(type)
    #expect(checkpoint.tensors["other"]?.typeName == type)
    let scope = checkpoint.scope("")
    _ = try scope.matrix("used", 2, 2)
    let error = CheckpointError.unknownType(file: path, tensor: "other", found: type)
    #expect(checkpointError { () throws(CheckpointError) in _ = try scope.matrix("other", 2, 2) } == error)
    #expect(checkpointError { () throws(CheckpointError) in _ = try scope.table("other", 2, 2) } == error)
    #expect(checkpointError { () throws(CheckpointError) in _ = try scope.vector("other", 4) } == error)
    #expect(checkpointError { () throws(CheckpointError) in _ = try scope.values("other", [2, 2]) } == error)
    #expect(checkpointError { () throws(CheckpointError) in _ = try scope.panels("other", 2, 2) } == error)
  }

  @Test("a known type that holds no floats is no matter until it is read either")
  func integers() throws {
    let header = #"""
      {"used":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},
      "other":{"dtype":"U8","shape":[2,2],"data_offsets":[16,20]}}
      """#
    try RawFile(header: header, data: 20).write(to: path)
    let scope = try Checkpoint.open(path).scope("")
    _ = try scope.matrix("used", 2, 2)
    #expect(
      checkpointError { () throws(CheckpointError) in _ = try scope.matrix("other", 2, 2) }
        == .wrongType(file: path, tensor: "other", expected: "F32, BF16 or F16", found: "U8"))
  }

  @Test("a value of the metadata that is not a string is left out, and named where it is asked for")
  func metadata() throws {
    _ = try open("F32", metadata: "null")
    let values = #"{"step":3,"tags":["a"],"nested":{"a":null},"none":null,"flag":true,"name":"x"}"#
    _ = try open("F32", metadata: values)
    let file = try Safetensors(path)
    #expect(file.metadata == ["name": "x"])
    #expect(try file.text("name") == "x" && file.text("absent") == nil)
    for key in ["step", "tags", "nested", "none", "flag"] {
      let error = checkpointError { () throws(CheckpointError) in _ = try file.text(key) }
      guard case .badField(path, "__metadata__." + key, "a string", _) = error else {
        Issue.record("\(key): \(String(describing: error))")
        continue
      }
    }
  }
}
