public import Checkpoint
internal import Layers

/// What `config.json` says of a model of the Moshi family; a directory without one is Moshi 7B.
public struct DialogueConfiguration: Sendable {
  /// The published kinds of model.
  public enum ModelType: String, Sendable {
    case moshi, hibiki, stt, tts
  }

  public let modelType: ModelType
  /// Rows, delays and initial tokens.
  public let streams: Streams
  /// Width of the temporal transformer.
  public let width: Int
  /// Text pieces the model may answer with.
  public let textOutputs: Int
  /// The text token that says nothing.
  public let textPadding: Int32
  /// The text token before a new word.
  public let textEndOfPadding: Int32
  /// Positions the temporal transformer sees.
  public let context: Int
  /// How text and codes are drawn unless a session says otherwise.
  public let sampling: (text: Sampling, audio: Sampling)
  /// For transcription models: silence that must stand before a recording, and how long after a word its text may come;
  /// in seconds.
  public let transcription: (prefix: Double, delay: Double)
  /// Names of the files beside config.json.
  public let files: (model: String, codec: String, tokenizer: String)
  /// Whether config.json names the file of the weights.
  let namesModel: Bool
  /// Names and values of the conditions that are summed into every step, with the value used unless a session chooses.
  public let conditions: [Condition]

  /// A table of named values, one of which is added to every step.
  public struct Condition: Sendable {
    public let name: String
    public let values: [String]
    /// Nil is "not said".
    public let usual: String?
    let width: Int
    let bins: Int
  }

  var temporal: TransformerConfiguration
  let depth: DepthConfiguration?
  let extraHeads: (count: Int, width: Int)

  /// Most columns of one state that may be advanced in one step.
  static let longestBlock = 16

  /// Reads `config.json` of a model directory.
  public init(directory: String) throws(CheckpointError) {
    let path = directory + "/config.json"
    do {
      try self.init(Fields(file: path))
    } catch .notFound {
      try self.init(Fields([UInt8]("{}".utf8), path: path), isMoshi7B: true)
    }
  }

  package init(_ fields: Fields, isMoshi7B: Bool = false) throws(CheckpointError) {
    let type = try fields.string("model_type", default: "moshi")
    guard let modelType = ModelType(rawValue: type) else {
      throw .unsupported(file: fields.path, field: "model_type", found: type)
    }
    self.modelType = modelType
    func required(_ name: String, _ usual: Int, _ range: ClosedRange<Int>) throws(CheckpointError) -> Int {
      try fields.integer(name, default: isMoshi7B ? usual : nil, range)
    }
    try Self.refuse(fields)
    streams = try Streams(fields, isMoshi7B: isMoshi7B)
    width = try required("dim", 4096, 1...65536)
    // Every token that is drawn or replaced is a row of the table it is read from in the next step.
    let pieces = streams.textCardinality
    textOutputs = try fields.integer("text_card_out", default: pieces, 1...pieces + 1)
    textPadding = Int32(try fields.integer("existing_text_padding_id", default: 3, 0...pieces))
    textEndOfPadding = Int32(try fields.integer("existing_text_end_padding_id", default: 0, 0...pieces))
    context = try fields.integer("context", default: isMoshi7B ? 3000 : nil, 1...1_000_000)
    let norm = try Self.norm(fields, "norm", default: isMoshi7B ? "rms_norm_f32" : "layer_norm")
    let gating = try fields.string("gating", default: isMoshi7B ? "silu" : "none")
    temporal = TransformerConfiguration(
      width: width, heads: try required("num_heads", 32, 1...1024),
      layers: try required("num_layers", 32, 1...1024),
      context: context, capacity: context + Self.longestBlock - 1,
      maxPeriod: try fields.number("max_period", default: 10000, 1...1e12), norm: norm,
      gated: try Self.isGated(fields, "gating", gating),
      position: try Self.position(fields, isMoshi7B: isMoshi7B), block: Self.longestBlock)
    guard width % temporal.heads == 0 else { throw fields.bad("num_heads", "a divisor of \(width)") }
    switch temporal.position {
    case .rotary where width / temporal.heads % 2 != 0:
      throw fields.bad("num_heads", "heads of even width, for rotary positions")
    case .sinusoidal where width % 2 != 0:
      throw fields.bad("dim", "an even number, for sinusoidal positions")
    default: break
    }
    depth =
      streams.own == 0
      ? nil
      : try DepthConfiguration(fields, norm: norm, gating: gating, isMoshi7B: isMoshi7B, steps: streams.own)
    extraHeads = (
      try fields.integer("extra_heads_num_heads", default: 0, 0...64),
      try fields.integer("extra_heads_dim", default: 6, 1...4096)
    )
    sampling = try Self.sampling(fields, modelType)
    namesModel = fields.has("moshi_name")
    files = (
      try fields.string("moshi_name", default: "model.safetensors"),
      try fields.string("mimi_name", default: "tokenizer-e351c8d8-checkpoint125.safetensors"),
      try fields.string("tokenizer_name", default: "tokenizer_spm_32k_3.model")
    )
    let transcription = try fields.object("stt_config")
    self.transcription = (
      try transcription?.number("audio_silence_prefix_seconds", default: 0) ?? 0,
      try transcription?.number("audio_delay_seconds", default: 0) ?? 0
    )
    conditions = try Self.conditions(fields, modelType)
  }

  // Published features this runtime has no code for yet: better a sentence than a wrong answer.
  private static func refuse(_ fields: Fields) throws(CheckpointError) {
    for name in ["cross_attention", "demux_second_stream", "quantize", "lora"]
    where try fields.flag(name, default: false) {
      throw .unsupported(file: fields.path, field: name, found: "true")
    }
    for (name, allowed) in [("kv_repeat", 1)]
    where try fields.integer(name, default: allowed, 1...64) != allowed {
      throw .unsupported(file: fields.path, field: name, found: "\(try fields.integer(name, 1...64))")
    }
    guard try fields.flag("causal", default: true) else {
      throw .unsupported(file: fields.path, field: "causal", found: "false")
    }
  }

  static func norm(_ fields: Fields, _ name: String, default value: String) throws(CheckpointError)
    -> Norm.Kind
  {
    let text = try fields.string(name, default: value)
    guard let kind = Norm.Kind(rawValue: text) else {
      throw .unsupported(file: fields.path, field: name, found: text)
    }
    return kind
  }

  static func isGated(_ fields: Fields, _ name: String, _ value: String) throws(CheckpointError) -> Bool {
    guard ["silu", "none"].contains(value) else {
      throw .unsupported(file: fields.path, field: name, found: value)
    }
    return value == "silu"
  }

  private static func position(
    _ fields: Fields, isMoshi7B: Bool
  ) throws(CheckpointError) -> TransformerConfiguration.Position {
    let text = try fields.string("positional_embedding", default: isMoshi7B ? "rope" : "sin")
    guard let position = TransformerConfiguration.Position(rawValue: text) else {
      throw .unsupported(file: fields.path, field: "positional_embedding", found: text)
    }
    return position
  }

  private static func sampling(
    _ fields: Fields, _ type: ModelType
  ) throws(CheckpointError) -> (text: Sampling, audio: Sampling) {
    let given = try fields.object("lm_gen_config")
    func temperature(_ names: [String], _ usual: Double) throws(CheckpointError) -> Float {
      for name in names {
        if let given, given.has(name) { return Float(try given.number(name, 0...100)) }
      }
      return Float(usual)
    }
    func topK(_ names: [String], _ usual: Int) throws(CheckpointError) -> Int {
      for name in names {
        if let given, given.has(name) { return try given.integer(name, 0...10_000_000) }
      }
      return usual
    }
    return (
      Sampling(
        temperature: try temperature(["temp_text", "text_temp"], type == .stt ? 0 : 0.7),
        topK: try topK(["top_k_text", "text_top_k"], 25)),
      Sampling(temperature: try temperature(["temp"], 0.8), topK: try topK(["top_k"], 250))
    )
  }

  private static func conditions(_ fields: Fields, _ type: ModelType) throws(CheckpointError) -> [Condition] {
    guard let fuser = try fields.object("fuser"), let table = try fields.object("conditioners") else {
      return []
    }
    for name in ["cross", "prepend"] {
      if let used = try fuser.strings(name), !used.isEmpty {
        throw .unsupported(file: fields.path, field: "fuser.\(name)", found: used.joined(separator: ", "))
      }
    }
    var conditions: [Condition] = []
    for name in try fuser.strings("sum") ?? [] {
      guard let conditioner = try table.object(name) else { throw table.bad(name, "an object") }
      let kind = try conditioner.string("type", default: "lut")
      guard kind == "lut", let lut = try conditioner.object("lut") else {
        throw .unsupported(file: fields.path, field: "conditioners.\(name).type", found: kind)
      }
      let values = try lut.strings("possible_values") ?? []
      let bins = try lut.integer("n_bins", 1...1_000_000)
      guard values.count <= bins else { throw lut.bad("possible_values", "at most \(bins) values") }
      conditions.append(
        Condition(
          name: name, values: values,
          usual: type == .hibiki && values.contains("very_good") ? "very_good" : nil,
          width: try lut.integer("dim", 1...65536), bins: bins))
    }
    return conditions
  }
}

/// What `config.json` says of the depth transformer.
struct DepthConfiguration: Sendable {
  let width: Int
  let heads: Int
  let layers: Int
  let norm: Norm.Kind
  let gated: Bool
  /// Norm before the heads, where there is one.
  let headNorm: Norm.Kind?
  /// The weight set of each step.
  let schedule: [Int]
  /// Width of low-rank embedding tables.
  let lowRank: Int?

  init(
    _ fields: Fields, norm usualNorm: Norm.Kind, gating: String, isMoshi7B: Bool, steps: Int
  ) throws(CheckpointError) {
    width = try fields.integer("depformer_dim", default: isMoshi7B ? 1024 : nil, 1...65536)
    heads = try fields.integer("depformer_num_heads", default: isMoshi7B ? 16 : nil, 1...1024)
    layers = try fields.integer("depformer_num_layers", default: isMoshi7B ? 6 : nil, 1...1024)
    guard width % heads == 0 else { throw fields.bad("depformer_num_heads", "a divisor of \(width)") }
    norm = usualNorm
    gated = try DialogueConfiguration.isGated(
      fields, "depformer_gating", fields.string("depformer_gating", default: gating))
    headNorm =
      fields.has("depformer_norm")
      ? try DialogueConfiguration.norm(fields, "depformer_norm", default: "layer_norm") : nil
    let position = try fields.string("depformer_pos_emb", default: "none")
    guard position == "none" else {
      throw .unsupported(file: fields.path, field: "depformer_pos_emb", found: position)
    }
    let perStep = try fields.flag("depformer_weights_per_step", default: isMoshi7B)
    if let given = try fields.integers("depformer_weights_per_step_schedule", 0...1023) {
      guard given.count >= steps else {
        throw fields.bad("depformer_weights_per_step_schedule", "\(steps) integers")
      }
      schedule = Array(given.prefix(steps))
    } else {
      schedule = (0..<steps).map { perStep ? $0 : 0 }
    }
    lowRank =
      fields.has("depformer_low_rank_embeddings")
      ? try fields.integer("depformer_low_rank_embeddings", 1...65536) : nil
  }
}
