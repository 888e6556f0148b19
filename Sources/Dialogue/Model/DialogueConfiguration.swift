public import Checkpoint
internal import Layers

/// The configuration of a model of the Moshi family from `config.json`; a directory without one is Moshi 7B.
public struct DialogueConfiguration: Sendable {
  /// What the model is for, and what follows from it.
  public let family: Family
  /// Rows, delays and initial tokens.
  public let streams: Streams
  /// Width of the backbone.
  public let width: Int
  /// Text pieces the model may answer with.
  public let textOutputs: Int
  /// The text token that says nothing.
  public let textPadding: Int32
  /// The text token before a new word.
  public let textEndOfPadding: Int32
  /// Positions the backbone sees.
  public let context: Int
  /// How text and codes are drawn unless a conversation says otherwise.
  public let sampling: (text: Sampling, audio: Sampling)
  /// Names of the files beside config.json.
  public let files: (model: String, codec: String, tokenizer: String)
  /// Whether config.json names the file of the weights.
  let namesModel: Bool
  /// Names and values of the conditions that are summed into every step, with the value used unless a conversation
  /// chooses.
  public let conditions: [Condition]

  /// A table of named values, one of which is added to every step.
  public struct Condition: Sendable {
    /// Its name, as `Dialogue.makeState` takes it.
    public let name: String
    /// All values that it can have.
    public let values: [String]
    /// Nil for "not given".
    public let usual: String?
    let width: Int
    let bins: Int
  }

  var backbone: TransformerConfiguration
  let depth: DepthConfiguration?
  let extraHeads: (count: Int, width: Int)
  let draft: DraftConfiguration?
  /// Name of the drafter's weights, beside the model's; nil for a model without one.
  package var drafterFile: String? { draft?.file }

  /// The most lanes of one state in one pass.
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
    family = try Family(fields)
    func required(_ name: String, _ usual: Int, _ range: ClosedRange<Int>) throws(CheckpointError) -> Int {
      try fields.integer(name, default: isMoshi7B ? usual : nil, range)
    }
    try Self.refuse(fields)
    streams = try Streams(fields, isMoshi7B: isMoshi7B)
    width = try required("dim", 4096, 1...65536)
    // Every token that is drawn or replaced must be a row of the table from which the next step reads it.
    let pieces = streams.textCardinality
    textOutputs = try fields.integer("text_card_out", default: pieces, 1...pieces + 1)
    textPadding = Int32(try fields.integer("existing_text_padding_id", default: 3, 0...pieces))
    textEndOfPadding = Int32(try fields.integer("existing_text_end_padding_id", default: 0, 0...pieces))
    context = try fields.integer("context", default: isMoshi7B ? 3000 : nil, 1...1_000_000)
    let norm = try Self.norm(fields, "norm", default: isMoshi7B ? "rms_norm_f32" : "layer_norm")
    let gating = try fields.string("gating", default: isMoshi7B ? "silu" : "none")
    backbone = TransformerConfiguration(
      width: width, heads: try required("num_heads", 32, 1...1024),
      layers: try required("num_layers", 32, 1...1024),
      context: context, capacity: context + Self.longestBlock - 1,
      maxPeriod: try fields.number("max_period", default: 10000, 1...1e12), norm: norm,
      gated: try Self.isGated(fields, "gating", gating),
      position: try Self.position(fields, isMoshi7B: isMoshi7B), block: Self.longestBlock)
    guard width % backbone.heads == 0 else { throw fields.bad("num_heads", "a divisor of \(width)") }
    switch backbone.position {
    case .rotary where width / backbone.heads % 2 != 0:
      throw fields.bad("num_heads", "heads of even width, for rotary positions")
    case .sinusoidal where width % 2 != 0:
      throw fields.bad("dim", "an even number, for sinusoidal positions")
    default: break
    }
    depth =
      streams.own == 0
      ? nil
      : try DepthConfiguration(fields, streams, norm: norm, gating: gating, isMoshi7B: isMoshi7B)
    extraHeads = (
      try fields.integer("extra_heads_num_heads", default: 0, 0...64),
      try fields.integer("extra_heads_dim", default: 6, 1...4096)
    )
    sampling = try Self.sampling(fields, family.sampling)
    draft = try DraftConfiguration(fields)
    namesModel = fields.has("moshi_name")
    files = (
      try fields.string("moshi_name", default: "model.safetensors"),
      try fields.string("mimi_name", default: "tokenizer-e351c8d8-checkpoint125.safetensors"),
      try fields.string("tokenizer_name", default: "tokenizer_spm_32k_3.model")
    )
    conditions = try Self.conditions(fields, family)
  }

  // Published features that this runtime does not support: an error is better than a wrong answer.
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
    _ fields: Fields, _ usual: (text: Sampling, audio: Sampling)
  ) throws(CheckpointError) -> (text: Sampling, audio: Sampling) {
    let given = try fields.object("lm_gen_config")
    func temperature(_ names: [String], _ usual: Float) throws(CheckpointError) -> Float {
      for name in names {
        if let given, given.has(name) { return Float(try given.number(name, 0...100)) }
      }
      return usual
    }
    func topK(_ names: [String], _ usual: Int) throws(CheckpointError) -> Int {
      for name in names {
        if let given, given.has(name) { return try given.integer(name, 0...10_000_000) }
      }
      return usual
    }
    return (
      Sampling(
        temperature: try temperature(["temp_text", "text_temp"], usual.text.temperature),
        topK: try topK(["top_k_text", "text_top_k"], usual.text.topK)),
      Sampling(
        temperature: try temperature(["temp"], usual.audio.temperature),
        topK: try topK(["top_k"], usual.audio.topK))
    )
  }

  private static func conditions(_ fields: Fields, _ family: Family) throws(CheckpointError) -> [Condition] {
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
          usual: family.usualCondition.flatMap { values.contains($0) ? $0 : nil },
          width: try lut.integer("dim", 1...65536), bins: bins))
    }
    return conditions
  }
}
