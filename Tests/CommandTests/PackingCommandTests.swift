import AudioIO
import Checkpoint
import Dialogue
import Foundation
import Glibc
import Measure
import Runtime
import TestSupport
import Testing

@testable import antiphon

/// `convert`, `inspect`, `compare` and `doctor` as a person runs them.
@Suite struct PackingCommandTests {
  private let directory: TemporaryDirectory
  private let model = Golden.path("tiny-quantized/plain")

  init() throws { directory = try TemporaryDirectory() }

  @Test("convert makes a directory with everything that the model needs, and inspect tells its card")
  func whole() throws {
    // A model with a codec, a tokenizer and a name of its own for its weights.
    let source = directory.file("source")
    try FileManager.default.copyItem(atPath: Golden.path("tiny-quantized/gguf"), toPath: source)
    for name in ["tokenizer-e351c8d8-checkpoint125.safetensors", "tokenizer_spm_32k_3.model"] {
      try Data(name.utf8).write(to: URL(filePath: source + "/" + name))
    }
    let packed = directory.file("packed")
    let done = try Program.run("convert", source, packed, "--bits", "4", "--keep", "text_linear=8", "--json")
    #expect(done.code == 0, "\(done.errors)")
    let names = try FileManager.default.contentsOfDirectory(atPath: packed).sorted()
    #expect(
      names == [
        "config.json", "model.safetensors", "tokenizer-e351c8d8-checkpoint125.safetensors",
        "tokenizer_spm_32k_3.model",
      ])
    let seen = try Program.run("inspect", packed + "/model.safetensors")
    #expect(seen.text.contains("packed from model.q8.gguf") && seen.text.contains("but text_linear=8"))
    #expect(seen.text.contains("transformer.gating"))
    let again = try Program.run("convert", source, packed, "--bits", "4")
    #expect(again.code == ExitCode.cannotCreate.rawValue && again.sentence.contains("is there already"))
    #expect(try Program.run("convert", packed, packed, "--bits", "4").code != 0)
  }

  @Test("convert keeps little in memory: 512 MB of a file that is mostly holes")
  func memory() throws {
    let source = directory.file("large")
    try FileManager.default.createDirectory(atPath: source, withIntermediateDirectories: true)
    // The golden model with its text tables a thousand times as long.
    var fields = try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: model + "/config.json")))
        as? [String: Any])
    let tokens = 2_000_000
    fields["text_card"] = tokens
    fields["moshi_name"] = "model.safetensors"
    try JSONSerialization.data(withJSONObject: fields).write(to: URL(filePath: source + "/config.json"))
    var header: [String: Any] = [:]
    var offset = 0
    for entry in try Golden.open("tiny-quantized/plain/model.safetensors").entries.values {
      var shape = entry.shape
      if ["text_emb.weight", "depformer.0.emb.weight"].contains(entry.name) { shape[0] = tokens + 1 }
      if entry.name == "text_linear.weight" { shape[0] = tokens }
      let size = shape.reduce(2, *)
      header[entry.name] = ["dtype": "BF16", "shape": shape, "data_offsets": [offset, offset + size]]
      offset += size
    }
    let json = try JSONSerialization.data(withJSONObject: header)
    let path = source + "/model.safetensors"
    try RawFile(withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) } + Array(json)).write(
      to: path)
    #expect(truncate(path, off_t(8 + json.count + offset)) == 0)
    let done = try Program.run("convert", source, directory.file("packed"), "--bits", "8", "--json")
    #expect(done.code == 0, "\(done.errors)")
    let result = try #require(try JSONSerialization.jsonObject(with: done.output) as? [String: Any])
    let (bytes, peak) = (result["source_bytes"] as? Int ?? 0, result["peak_memory_bytes"] as? Int ?? .max)
    #expect(bytes > 512 << 20 && peak < 256 << 20, "\(peak) bytes")
  }

  @Test("a model that does not fit on the disk is refused before anything is written")
  func space() throws {
    let source = directory.file("vast")
    try FileManager.default.createDirectory(atPath: source, withIntermediateDirectories: true)
    let configuration = """
      {"dim": 65536, "num_heads": 64, "num_layers": 200, "card": 32, "text_card": 32, "n_q": 1, "dep_q": 0, "delays": [0, 0],
      "context": 4, "gating": "silu", "norm": "rms_norm_f32", "positional_embedding": "rope"}
      """
    try Data(configuration.utf8).write(to: URL(filePath: source + "/config.json"))
    let d = 65536
    var shapes = [
      "text_emb.weight": [33, d], "emb.0.weight": [33, d], "out_norm.alpha": [d],
      "text_linear.weight": [32, d],
    ]
    for layer in 0..<200 {
      let name = "transformer.layers.\(layer)"
      shapes[name + ".norm1.alpha"] = [d]
      shapes[name + ".norm2.alpha"] = [d]
      shapes[name + ".self_attn.in_proj_weight"] = [3 * d, d]
      shapes[name + ".self_attn.out_proj.weight"] = [d, d]
      // Rows of this length fit no block: everything stays in BF16, 12 TB.
      shapes[name + ".gating.linear_in.weight"] = [2 * d, d]
      shapes[name + ".gating.linear_out.weight"] = [d, d]
    }
    var (header, offset) = ([String: Any](), 0)
    for (name, shape) in shapes {
      let size = shape.reduce(2, *)
      header[name] = ["dtype": "BF16", "shape": shape, "data_offsets": [offset, offset + size]]
      offset += size
    }
    let json = try JSONSerialization.data(withJSONObject: header)
    let path = source + "/model.safetensors"
    try RawFile(withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) } + Array(json)).write(
      to: path)
    // Not every file system has such holes.
    guard truncate(path, off_t(8 + json.count + offset)) == 0 else { return }
    let done = try Program.run("convert", source, directory.file("packed"), "--bits", "4")
    #expect(
      done.code == ExitCode.writeFailed.rawValue && done.sentence.contains("the disk has"), "\(done.errors)")
  }

  @Test("bits and names that are none are told by the parser")
  func usage() throws {
    for arguments in [["--bits", "5"], ["--bits", "4", "--keep", "a"], ["--bits", "4", "--keep", "a=7"]] {
      let done = try Program.start(["convert", model, directory.file("packed")] + arguments).wait()
      #expect(done.code == ExitCode.usage.rawValue)
    }
    #expect(
      try Program.run("convert", directory.file("none"), "out", "--bits", "4").code
        == ExitCode.noInput.rawValue)
  }

  @Test("instructions that this processor lacks are refused by name")
  func instructions() throws {
    let running = Process()
    running.executableURL = URL(filePath: Program.path)
    running.arguments = ["inspect", model]
    running.environment = ProcessInfo.processInfo.environment.merging(["ANTIPHON_ISA": "mmx"]) { $1 }
    let errors = Pipe()
    running.standardError = errors
    try running.run()
    running.waitUntilExit()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    #expect(running.terminationStatus == ExitCode.usage.rawValue && text.contains("asks for 'mmx'"))
  }

  @Test("compare tells the divergence of every stream")
  func compare() throws {
    let voice = try Golden.open("tiny-codec/input.safetensors").floats("pcm", rank: 1).values
    let sound = directory.file("in.wav")
    let sink = try SoundFileWriter.create(sound)
    sink.write(voice.span)
    try sink.finish()
    let tiny = Golden.path("tiny-model")
    let done = try Program.run("compare", tiny, tiny, sound, "--json")
    #expect(done.code == 0, "\(done.errors)")
    let result = try #require(try JSONSerialization.jsonObject(with: done.output) as? [String: Any])
    let rows = try #require(result["rows"] as? [[String: Any]])
    #expect(rows.count == 9 && rows.allSatisfy { $0["divergence"] as? Double == 0 })
    #expect(try Program.run("compare", tiny, model, sound).code == ExitCode.badData.rawValue)
    let halves = try Program.run("compare", tiny, tiny, sound, "--json", "--kv", "f16")
    let rounded = try #require(try JSONSerialization.jsonObject(with: halves.output) as? [String: Any])
    let divergences = try #require(rounded["rows"] as? [[String: Any]]).compactMap {
      $0["divergence"] as? Double
    }
    #expect(divergences.count == 9 && divergences.allSatisfy { $0 > 0 && $0 < 0.01 })
    #expect(try Program.run("compare", tiny, tiny, sound, "--fold", sound).code == ExitCode.usage.rawValue)
  }

  @Test("doctor tells of every known model and every width")
  func doctor() throws {
    let done = try Program.run("doctor", "--json")
    #expect(done.code == 0, "\(done.errors)")
    let result = try #require(try JSONSerialization.jsonObject(with: done.output) as? [String: Any])
    let models = try #require(result["models"] as? [[String: Any]])
    #expect(models.count == PublishedModel.all.count + 1)
    #expect(models.allSatisfy { ($0["cases"] as? [Any])?.count == 3 })
    #expect((result["sound"] as? String)?.isEmpty == false)
  }

  @Test("sizes of known models are those of the published files")
  func sizes() {
    let weights = Dictionary(
      uniqueKeysWithValues: PublishedModel.all.map { ($0.name, Double($0.weights) / 1e9) })
    for (name, billions) in [
      ("Moshi 7B", 7.375), ("Hibiki 2B", 3.359), ("Hibiki 1B", 1.570), ("STT 1B", 0.839),
    ] {
      #expect(abs((weights[name] ?? 0) / billions - 1) < 0.01, "\(name)")
    }
  }

  @Test("a full window of Moshi is 3.1 GB in f32, and doctor knows how much less in 8 bits")
  func windows() throws {
    let moshi = try #require(PublishedModel.all.first)
    #expect(moshi.work(bits: 4, kv: .f32).cacheBytes == 3000 * 32 * 2 * 4096 * 4)
    #expect(moshi.work(bits: 4, kv: .q8).cacheBytes == 3000 * 32 * 2 * 4096 * 34 / 32)
  }
}
