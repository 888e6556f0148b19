import Checkpoint
import Foundation
import Glibc
import Kernels
import TestSupport
import Testing

/// A model in several files with an index.
struct ShardTests {
  private let directory: TemporaryDirectory
  private var path: String { directory.file("model.safetensors") }
  private var index: String { path + ".index.json" }
  private let names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]

  init() throws {
    directory = try TemporaryDirectory()
    for (shard, tensor) in zip(names, ["a", "b"]) {
      var writer = SafetensorsWriter(metadata: ["format": "pt", "only-" + tensor: "1"])
      writer.add(tensor, [Float](repeating: tensor == "a" ? 1 : 2, count: 4), shape: [4])
      try writer.write(to: directory.file(shard))
    }
  }

  private func write(_ text: String) throws { try RawFile(Array(text.utf8)).write(to: index) }

  private func map(_ places: [String: String]) throws {
    let json = try JSONSerialization.data(withJSONObject: ["metadata": [:], "weight_map": places])
    try write(String(decoding: json, as: UTF8.self))
  }

  private func error() -> CheckpointError? {
    checkpointError { () throws(CheckpointError) in _ = try Checkpoint.open(path) }
  }

  private func fault(_ fault: CheckpointError.IndexFault) -> CheckpointError {
    .badIndex(file: index, fault: fault)
  }

  @Test("the tensors of all shards are read by the name of the file that is not there, or of the index")
  func whole() throws {
    try map(["a": names[0], "b": names[1]])
    for path in [path, index] {
      let checkpoint = try Checkpoint.open(path)
      #expect(checkpoint.path == index && checkpoint.tensors.count == 2)
      for (tensor, value) in [("a", Float(1)), ("b", 2)] {
        let vector = try checkpoint.scope("").vector(tensor, 4)
        #expect((0..<4).allSatisfy { vector[$0] == value })
      }
    }
    #expect(try Safetensors(path).metadata == ["format": "pt", "only-a": "1", "only-b": "1"])
    // A whole file comes first, as in other programs.
    try FileManager.default.copyItem(atPath: directory.file(names[0]), toPath: path)
    #expect(try Checkpoint.open(path).tensors.count == 1)
  }

  @Test("the digest of a model in shards is that of the index and the shards, one after the other")
  func digest() throws {
    try map(["b": names[1], "a": names[0]])
    let whole = directory.file("whole")
    var bytes = Data()
    for name in [index] + names.map(directory.file) { bytes += try Data(contentsOf: URL(filePath: name)) }
    try bytes.write(to: URL(filePath: whole))
    // Foundation's Process is not always freed at the end, which a leak detector tells.
    let sum = popen("sha256sum '\(whole)'", "r")
    var line = [CChar](repeating: 0, count: 65)
    #expect(fgets(&line, 65, sum) != nil)
    pclose(sum)
    let said = String(decoding: line.prefix(64).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    #expect(try Safetensors(path).digest == said)
    #expect(try Checkpoint.open(path).file.digest == said)
    #expect(try Checkpoint.open(path).file.byteCount == bytes.count)
  }

  @Test("shards may lie below the index, and may be links to anywhere, as in caches of models")
  func places() throws {
    let other = try TemporaryDirectory()
    let fileManager = FileManager.default
    try fileManager.moveItem(atPath: directory.file(names[0]), toPath: other.file("blob"))
    try fileManager.createSymbolicLink(
      atPath: directory.file(names[0]), withDestinationPath: other.file("blob"))
    try fileManager.createDirectory(atPath: directory.file("parts"), withIntermediateDirectories: true)
    try fileManager.moveItem(atPath: directory.file(names[1]), toPath: directory.file("parts/second"))
    try map(["a": names[0], "b": "parts/second"])
    #expect(try Checkpoint.open(path).tensors.count == 2)
    #expect(
      try Safetensors.parts(of: path) == [index, directory.file(names[0]), directory.file("parts/second")])
  }

  @Test("a shard that is missing is named, and one that is not safetensors is an error of its own")
  func missing() throws {
    try map(["a": names[0], "b": "model-00003-of-00003.safetensors"])
    #expect(error() == fault(.missing(shard: "model-00003-of-00003.safetensors")))
    try map(["a": names[0], "b": "nothing"])
    try RawFile(Array("GGUF".utf8)).write(to: directory.file("nothing"))
    #expect(error() == .badHeader(file: directory.file("nothing"), fault: .tooShort))
    try map(["a": "model.safetensors.index.json"])
    #expect(error()?.file == index)
  }

  @Test("a name that leads out of the directory is refused before anything is opened")
  func outside() throws {
    for name in ["../model.safetensors", "/etc/passwd", "parts/../../x", "..", "", "a//b", "./a", "a\0b"] {
      try map(["a": name])
      #expect(error() == fault(.outside(shard: name)), "\(name)")
    }
  }

  @Test("an index that is damaged, empty or of another kind is told as that")
  func damaged() throws {
    try write("not JSON")
    #expect(error() == fault(.notJSON))
    try write("[]")
    #expect(error() == fault(.notJSON))
    try write(String(repeating: "[", count: 100_000))
    #expect(error() == fault(.notJSON))
    try write(#"{"metadata":{}}"#)
    #expect(error() == fault(.noMap))
    try write(#"{"weight_map":["a"]}"#)
    #expect(error() == fault(.noMap))
    try write(#"{"weight_map":{}}"#)
    #expect(error() == fault(.empty))
    try write(#"{"weight_map":{"a":7}}"#)
    #expect(error() == fault(.badEntry(tensor: "a")))
    try write("")
    #expect(error() == fault(.notJSON))
  }

  @Test("a tensor that two shards have, or that the index names twice, is named")
  func twice() throws {
    var writer = SafetensorsWriter()
    writer.add("a", [1, 1, 1, 1] as [Float], shape: [4])
    writer.add("b", [2, 2, 2, 2] as [Float], shape: [4])
    try writer.write(to: directory.file(names[1]))
    try map(["a": names[0], "b": names[1]])
    #expect(error() == fault(.twice(tensor: "a", first: names[0], second: names[1])))
    // What the index does not name is not looked at.
    try map(["b": names[1]])
    #expect(error() == nil)
    try write(#"{"weight_map":{"a":"\#(names[0])","b":"\#(names[1])","a":"\#(names[1])"}}"#)
    #expect(error() == fault(.repeated(tensor: "a")))
    try write(#"{"weight_map":{"x":"\#(names[0])"},"weight_map":{"a":"\#(names[0])"}}"#)
    #expect(error() == fault(.repeated(tensor: "weight_map")))
  }

  @Test("a tensor that is not in the shard that the index names is told with both")
  func absent() throws {
    try map(["a": names[0], "c": names[1]])
    #expect(error() == fault(.absent(tensor: "c", shard: names[1])))
    try map(["a": names[1], "b": names[0]])
    #expect(error() == fault(.absent(tensor: "a", shard: names[1])))
  }

  @Test("a matrix of MLX and its scales may lie in different shards")
  func scales() throws {
    let whole = try Checkpoint.open(Golden.path("tiny-quantized/mlx-q4/model.q4.safetensors"))
    let bytes = try [UInt8](
      Data(contentsOf: URL(filePath: Golden.path("tiny-quantized/mlx-q4/model.q4.safetensors"))))
    let length = bytes[..<8].enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
    let header = try #require(
      try JSONSerialization.jsonObject(with: Data(bytes[8..<8 + length])) as? [String: Any])
    var places: [String: String] = [:]
    for part in 0..<2 {
      let kept = header.filter { $0.key != "__metadata__" && $0.key.hasSuffix(".scales") == (part == 1) }
      for name in kept.keys { places[name] = names[part] }
      let json = String(decoding: try JSONSerialization.data(withJSONObject: kept), as: UTF8.self)
      var file = RawFile(header: json)
      file.bytes += bytes[(8 + length)...]
      try file.write(to: directory.file(names[part]))
    }
    try map(places)
    let sharded = try Checkpoint.open(path)
    var compared = 0
    for (name, tensor) in whole.tensors where tensor.form == .affine {
      let columns = tensor.shape[1] * 8
      let (expected, found) = (
        try whole.scope("").table(name, tensor.shape[0], columns),
        try sharded.scope("").table(name, tensor.shape[0], columns)
      )
      for row in 0..<tensor.shape[0] {
        #expect((0..<columns).allSatisfy { expected[row, $0] == found[row, $0] })
      }
      compared += 1
    }
    #expect(compared > 10 && sharded.tensors.count == whole.tensors.count)
  }
}
