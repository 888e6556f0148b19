import Checkpoint
import Foundation
import TestSupport
import Testing

@testable import Dialogue

/// What config.json may say, and the one error of each thing it may not.
struct DialogueConfigurationTests {
  /// The configuration of a golden model with some fields changed (JSON text), or removed (nil).
  private static func configuration(
    of model: String = "moshi", _ changes: [String: String?] = [:]
  ) throws -> Result<DialogueConfiguration, CheckpointError> {
    let data = try Data(contentsOf: URL(filePath: Golden.path("tiny-dialogue/\(model)/config.json")))
    var object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    for (field, value) in changes {
      object[field] = try value.map {
        try JSONSerialization.jsonObject(with: Data($0.utf8), options: .fragmentsAllowed)
      }
    }
    let json = try JSONSerialization.data(withJSONObject: object)
    return Result { () throws(CheckpointError) in
      try DialogueConfiguration(Fields(Array(json), path: "config.json"))
    }
  }

  private static func fault(of model: String = "moshi", _ changes: [String: String?]) throws
    -> CheckpointError?
  {
    switch try configuration(of: model, changes) {
    case .success: nil
    case .failure(let error): error
    }
  }

  @Test("the golden models are read as they are")
  func golden() throws {
    let moshi = try Self.configuration(of: "moshi").get()
    #expect(moshi.family.name == .moshi && moshi.width == 24 && moshi.context == 4 && moshi.textOutputs == 48)
    #expect(moshi.streams.own == 8 && moshi.streams.user == 8 && moshi.streams.maxDelay == 1)
    #expect(moshi.files.codec == "codec.safetensors")
    #expect(moshi.sampling.text == Sampling(temperature: 0.7, topK: 25))
    #expect(moshi.sampling.audio == Sampling(temperature: 0.8, topK: 250))
    let hibiki = try Self.configuration(of: "hibiki").get()
    #expect(hibiki.conditions.map(\.name) == ["description"] && hibiki.conditions[0].usual == "very_good")
    #expect(hibiki.depth?.schedule == [0, 1, 2, 2] && hibiki.depth?.lowRank == 4)
    let stt = try Self.configuration(of: "stt").get()
    #expect(stt.streams.own == 0 && stt.depth == nil && stt.extraHeads.count == 4)
    // What listens and writes takes the likeliest word.
    #expect(stt.sampling.text.temperature == 0)
    #expect(try Self.configuration(of: "plain").get().streams.delays == [0, 1, 2, 3, 0, 2])
  }

  @Test("a directory without config.json is Moshi 7B")
  func usual() throws {
    let directory = try TemporaryDirectory()
    let configuration = try DialogueConfiguration(directory: directory.path)
    #expect(
      configuration.width == 4096 && configuration.context == 3000 && configuration.depth?.layers == 6)
    #expect(
      configuration.streams.delays == [0, 0] + Array(repeating: 1, count: 7) + [0]
        + Array(repeating: 1, count: 7))
    #expect(configuration.depth?.schedule == Array(0..<8))
  }

  @Test("generation settings are read under either name")
  func sampling() throws {
    let settings = #"{"temp":0.5,"top_k":10,"text_temp":0.25,"text_top_k":5}"#
    let sampling = try Self.configuration(of: "moshi", ["lm_gen_config": settings]).get().sampling
    #expect(sampling.text == Sampling(temperature: 0.25, topK: 5))
    #expect(sampling.audio == Sampling(temperature: 0.5, topK: 10))
  }

  @Test(
    "a missing size is named",
    arguments: [
      "dim", "num_heads", "num_layers", "n_q", "dep_q", "card", "text_card", "delays", "context",
      "depformer_dim",
      "depformer_num_heads", "depformer_num_layers",
    ])
  func missing(field: String) throws {
    guard case .badField("config.json", field, _, "nothing") = try Self.fault([field: nil]) else {
      Issue.record("\(field) is not missed")
      return
    }
  }

  @Test(
    "a value of the wrong kind or out of its range is named",
    arguments: [
      ("dim", "\"24\""), ("dim", "0"), ("dim", "-24"), ("dim", "24.5"), ("dim", "1e18"),
      ("num_layers", "true"),
      ("num_heads", "7"), ("num_heads", "24"), ("n_q", "0"), ("n_q", "1000"), ("dep_q", "17"), ("card", "0"),
      ("text_card", "null"), ("context", "0"), ("context", "100000000"), ("depformer_num_heads", "3"),
      ("delays", "[0,0,1]"), ("delays", "\"none\""), ("delays", "[0,0,1,1,1,1,1,1,1,0,1,1,1,1,1,1,-1]"),
      ("delays", "[0,0,1,1,1,1,1,1,1,0,1,1,1,1,1,1,1001]"),
      ("delays", "[0,0,1,1,1,1,1,1,1,0,1,1,1,1,1,1,0.5]"),
      ("text_card_out", "50"), ("text_card_out", "0"), ("existing_text_padding_id", "49"),
      ("max_period", "0"),
      ("max_period", "\"long\""), ("model_type", "7"), ("moshi_name", "7"), ("causal", "1"),
      ("depformer_weights_per_step_schedule", "[0,1]"),
      ("depformer_weights_per_step_schedule", "[0,1,2,3,4,5,6,-7]"),
      ("extra_heads_num_heads", "65"), ("lm_gen_config", "[]"), ("depformer_low_rank_embeddings", "0"),
    ])
  func ranges(field: String, value: String) throws {
    guard case .badField("config.json", field, _, _) = try Self.fault([field: value]) else {
      Issue.record("\(field) \(value)")
      return
    }
  }

  @Test(
    "generation settings out of range are named, not fatal",
    arguments: [
      ("top_k", "1e300"), ("top_k", "-1"), ("top_k", "1.5"), ("temp", "-1"), ("temp", "1e300"),
      ("temp_text", "\"hot\""),
    ])
  func samplingRanges(field: String, value: String) throws {
    let error = try Self.fault(["lm_gen_config": #"{"\#(field)":\#(value)}"#])
    guard case .badField("config.json", "lm_gen_config.\(field)", _, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test(
    "what there is no code for is refused by name",
    arguments: [
      ("cross_attention", "true", "true"), ("demux_second_stream", "true", "true"),
      ("quantize", "true", "true"),
      ("lora", "true", "true"), ("kv_repeat", "2", "2"), ("causal", "false", "false"),
      ("norm", "\"batch\"", "batch"),
      ("gating", "\"gelu\"", "gelu"), ("positional_embedding", "\"alibi\"", "alibi"),
      ("model_type", "\"bark\"", "bark"),
      ("depformer_pos_emb", "\"rope\"", "rope"), ("depformer_gating", "\"relu\"", "relu"),
      ("depformer_norm", "\"batch\"", "batch"),
    ])
  func unsupported(field: String, value: String, found: String) throws {
    #expect(try Self.fault([field: value]) == .unsupported(file: "config.json", field: field, found: found))
  }

  @Test("positions need heads or rows of even width")
  func evenWidths() throws {
    let rotary = try Self.fault(["dim": "6", "num_heads": "2"])
    #expect(
      rotary
        == .badField(
          file: "config.json", field: "num_heads", expected: "heads of even width, for rotary positions",
          found: "2"))
    let sinusoidal = try Self.fault(["dim": "15", "num_heads": "3", "positional_embedding": "\"sin\""])
    #expect(
      sinusoidal
        == .badField(
          file: "config.json", field: "dim", expected: "an even number, for sinusoidal positions", found: "15"
        ))
  }

  @Test("conditions are summed tables of named values, nothing else")
  func conditions() throws {
    func error(_ fuser: String, _ conditioners: String? = nil) throws -> CheckpointError? {
      var changes: [String: String?] = ["fuser": fuser]
      if let conditioners { changes["conditioners"] = conditioners }
      return try Self.fault(of: "hibiki", changes)
    }
    #expect(
      try error(#"{"cross":["speaker"]}"#)
        == .unsupported(file: "config.json", field: "fuser.cross", found: "speaker"))
    #expect(
      try error(#"{"prepend":["a","b"]}"#)
        == .unsupported(file: "config.json", field: "fuser.prepend", found: "a, b"))
    #expect(
      try error(#"{"sum":["tempo"]}"#)
        == .badField(
          file: "config.json", field: "conditioners.tempo", expected: "an object", found: "nothing"))
    #expect(
      try error(#"{"sum":["x"]}"#, #"{"x":{"type":"tensor"}}"#)
        == .unsupported(file: "config.json", field: "conditioners.x.type", found: "tensor"))
    let crowded = try error(
      #"{"sum":["x"]}"#, #"{"x":{"lut":{"dim":4,"n_bins":1,"possible_values":["a","b"]}}}"#)
    guard case .badField(_, "conditioners.x.lut.possible_values", "at most 1 values", _) = crowded else {
      Issue.record("\(String(describing: crowded))")
      return
    }
  }

  @Test("a directory of a model that is not there, or not a directory")
  func paths() throws {
    let directory = try TemporaryDirectory()
    let none = directory.file("none")
    #expect(
      caught { _ = try Dialogue.open(none) } as CheckpointError?
        == .notFound(file: none + "/model.safetensors"))
    try RawFile().write(to: directory.file("file"))
    #expect(
      caught { _ = try Dialogue.open(directory.file("file")) } as CheckpointError? != nil)
  }

  @Test(
    "a model with one tensor missing or misshapen is named by it, whichever it is",
    arguments: ["moshi", "hibiki", "plain", "stt"])
  func tensors(model: String) throws {
    let path = Golden.path("tiny-dialogue/\(model)/model.safetensors")
    let whole = try Data(contentsOf: URL(filePath: path))
    let length = whole.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try #require(try JSONSerialization.jsonObject(with: whole[8..<8 + length]) as? [String: Any])
    let directory = try TemporaryDirectory()
    try FileManager.default.copyItem(
      atPath: Golden.path("tiny-dialogue/\(model)/config.json"), toPath: directory.file("config.json"))
    func error(_ header: [String: Any]) throws -> CheckpointError? {
      let json = try JSONSerialization.data(withJSONObject: header)
      var file = withUnsafeBytes(of: UInt64(json.count).littleEndian) { Data($0) }
      file += json + whole[(8 + length)...]
      try file.write(to: URL(filePath: directory.file("model.safetensors")))
      return caught { _ = try Dialogue.open(directory.path) }
    }
    #expect(try error(header) == nil)
    for (name, value) in header where name != "__metadata__" {
      var less = header
      less[name] = nil
      guard case .missingTensor(_, let missing, _) = try error(less) else {
        Issue.record("\(name) is not missed")
        continue
      }
      #expect(missing == name)
      var entry = try #require(value as? [String: Any])
      let count = try #require(entry["shape"] as? [Int]).reduce(1, *)
      entry["shape"] = [count / 2, 1, 2]
      less[name] = entry
      guard case .wrongShape(_, name, _, [count / 2, 1, 2]) = try error(less) else {
        Issue.record("the shape of \(name) is not seen")
        continue
      }
    }
  }
}
