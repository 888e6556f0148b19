import Foundation
import TestSupport
import Testing

@testable import antiphon

/// A model in two shards with an index, as hubs publish it, in place of one file.
@Suite struct ShardedModelTests {
  private let directory: TemporaryDirectory
  private let whole = Golden.path("tiny-model")
  private let question = Golden.root + "/Assets/audio/questions/i-am-hungry.flac"
  private var model: String { directory.file("model") }
  private var names: [String] { (1...2).map { "model-0000\($0)-of-00002.safetensors" } }

  init() throws {
    directory = try TemporaryDirectory()
    try FileManager.default.copyItem(atPath: whole, toPath: model)
    for name in ["model", "codec"] { try Self.split(model + "/" + name) }
  }

  /// Replaces a safetensors file by two shards, which take its tensors in turn.
  private static func split(_ stem: String) throws {
    let path = stem + ".safetensors"
    let bytes = try [UInt8](Data(contentsOf: URL(filePath: path)))
    let length = bytes[..<8].enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
    let header = try #require(
      try JSONSerialization.jsonObject(with: Data(bytes[8..<8 + length])) as? [String: Any])
    let tensors = header.keys.filter { $0 != "__metadata__" }.sorted()
    var places: [String: String] = [:]
    for part in 0..<2 {
      var kept: [String: Any] = ["__metadata__": header["__metadata__"] ?? [:]]
      let shard = "\(stem)-0000\(part + 1)-of-00002.safetensors"
      for (index, tensor) in tensors.enumerated() where index % 2 == part {
        kept[tensor] = header[tensor]
        places[tensor] = URL(filePath: shard).lastPathComponent
      }
      let json = try JSONSerialization.data(withJSONObject: kept)
      var file = RawFile(header: String(decoding: json, as: UTF8.self))
      file.bytes += bytes[(8 + length)...]
      try file.write(to: shard)
    }
    try JSONSerialization.data(withJSONObject: ["weight_map": places])
      .write(to: URL(filePath: path + ".index.json"))
    try FileManager.default.removeItem(atPath: path)
  }

  @Test("respond and encode give the same, bit for bit, from shards and from whole files")
  func equal() throws {
    var answers: [Data] = []
    for source in [whole, model] {
      let answer = try Program.run("respond", question, "-", "--model", source, "--greedy")
      #expect(answer.code == 0, "\(answer.errors)")
      answers.append(answer.output)
    }
    #expect(answers[0] == answers[1] && !answers[0].isEmpty)
    let codes = directory.file("speech.codes")
    #expect(try Program.run("encode", question, codes, "--model", model).code == 0)
    #expect(try Program.run("decode", codes, directory.file("again.wav"), "--model", model).code == 0)
  }

  @Test("inspect, compare, doctor and bench read a model in shards")
  func verbs() throws {
    let seen = try Program.run("inspect", model, "--json")
    #expect(seen.code == 0 && seen.text.contains("model.safetensors.index.json"), "\(seen.errors)")
    #expect(try Program.run("inspect", model + "/model.safetensors.index.json").code == 0)
    let compared = try Program.run("compare", whole, model, question)
    #expect(compared.code == 0 && compared.text.contains("100.0 %"), "\(compared.errors)")
    #expect(try Program.run("doctor", "--model", model).code == 0)
    let bench = try Program.run("bench", "step", "--model", model, "--frames", "5", "--flat-out")
    #expect(bench.code == 0, "\(bench.errors)")
  }

  @Test("convert makes one file of the shards, the same as of the whole file, and copies a codec in shards")
  func convert() throws {
    var outputs: [Data] = []
    for (source, name) in [(whole, "a"), (model, "b")] {
      let output = directory.file(name)
      let done = try Program.run("convert", source, output, "--bits", "8")
      #expect(done.code == 0, "\(done.errors)")
      let bytes = try Data(contentsOf: URL(filePath: output + "/model.safetensors"))
      // Before the tensors stands the card, which names the source.
      let header = bytes.withUnsafeBytes { Int($0.loadUnaligned(as: UInt64.self)) }
      outputs.append(bytes.dropFirst(8 + header))
      #expect(try Program.run("inspect", output).code == 0)
    }
    #expect(outputs[0] == outputs[1])
    #expect(FileManager.default.fileExists(atPath: directory.file("b") + "/codec.safetensors.index.json"))
  }

  @Test("every verb names a shard that is missing")
  func missing() throws {
    try FileManager.default.removeItem(atPath: model + "/" + names[1])
    let sentence =
      "There is no file '\(model)/\(names[1])', which '\(model)/model.safetensors.index.json' names."
    for words in [
      ["respond", question, "-", "--model", model], ["inspect", model], ["compare", model, whole, question],
      ["doctor", "--model", model], ["bench", "step", "--model", model],
      ["convert", model, directory.file("c"), "--bits", "8"],
    ] {
      let result = try Program.start(words).wait()
      #expect(result.sentence == sentence && result.code == ExitCode.noInput.rawValue, "\(words)")
    }
  }

  @Test("the file that config.json names may be in shards, whatever its name")
  func named() throws {
    let path = model + "/config.json"
    var fields = try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: path))) as? [String: Any])
    fields["moshi_name"] = "weights.safetensors"
    try JSONSerialization.data(withJSONObject: fields).write(to: URL(filePath: path))
    try FileManager.default.moveItem(
      atPath: model + "/model.safetensors.index.json", toPath: model + "/weights.safetensors.index.json")
    #expect(try Program.run("inspect", model).code == 0)
  }
}
