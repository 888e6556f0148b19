internal import Base
internal import Checkpoint
package import Dialogue

/// The shapes of published models with random weights, so that steps can be measured without a model.
package enum ModelShape: String, CaseIterable, Sendable {
  /// Speech to text, 1B: hears 32 codebooks, writes text.
  case stt1B = "stt-1b"
  /// Hibiki 1B: two streams of eight codebooks, with the depth transformer.
  case hibiki1B = "hibiki-1b"
  /// Moshi 7B.
  case moshi7B = "moshi-7b"
  /// The backbone with only a text head, for comparison with programs for text models.
  case backbone1B = "backbone-1b"
  case backbone2B = "backbone-2b"
  case backbone7B = "backbone-7b"

  private struct Sizes {
    var width: Int
    var heads: Int
    var layers: Int
    var hidden: Int
    var text: Int
    var codebooks: Int
    var own: Int
    var context: Int
    var depth: PublishedModel.Depth?

    init(_ model: PublishedModel) {
      (width, heads, layers, hidden) = (model.width, model.heads, model.layers, model.hidden)
      (text, codebooks, own) = (model.textOutputs, model.rows, model.depth?.steps ?? 0)
      (context, depth) = (model.context, model.depth)
    }

    /// The backbone of a model that hears eight codebooks.
    init(backboneOf model: PublishedModel) {
      self.init(model)
      (codebooks, own, context, depth) = (8, 0, 3000, nil)
    }
  }

  private var sizes: Sizes {
    switch self {
    case .stt1B: Sizes(.stt1B)
    case .hibiki1B: Sizes(.hibiki1B)
    case .moshi7B: Sizes(.moshi7B)
    case .backbone1B: Sizes(backboneOf: .hibiki1B)
    case .backbone2B: Sizes(backboneOf: .hibiki2B)
    case .backbone7B: Sizes(backboneOf: .moshi7B)
    }
  }

  private static let cardinality = 2048

  /// Opens a model of this shape with weights of `bits` (8, 4, or bf16 if nil). A temporary file in `directory` stands
  /// in for the weights; it is sparse and takes almost no space.
  ///
  /// - Parameter modules: of a drafter beside it; 0 is none.
  package func open(
    in directory: String, threads: Int, bits: Int?, cache: CacheOptions, modules: Int = 0
  ) throws -> Dialogue {
    try TextFile.write(configuration(modules), to: directory + "/config.json")
    try Self.writeWeights(tensors, directory + "/model.safetensors")
    if modules > 0 { try Self.writeWeights(drafter(modules), directory + "/drafter.safetensors") }
    return try Dialogue.open(
      directory, threads: threads, weights: .random(bits: bits), cache: cache,
      isDrafting: modules > 0)
  }

  private func configuration(_ modules: Int) -> String {
    let (sizes, depth) = (sizes, sizes.depth ?? .large)
    let acoustic = Array(repeating: 1, count: 7)
    let delays =
      sizes.own == 0
      ? Array(repeating: 0, count: 1 + sizes.codebooks) : [0, 0] + acoustic + [0] + acoustic
    return """
      {"model_type": "\(sizes.own == 0 ? "stt" : "moshi")", "dim": \(sizes.width), "num_heads": \(sizes.heads),
       "num_layers": \(sizes.layers), "context": \(sizes.context), "max_period": 100000, "gating": "silu",
       "norm": "rms_norm_f32", "positional_embedding": "rope", "card": \(Self.cardinality),
       "text_card": \(sizes.text), "n_q": \(sizes.codebooks), "dep_q": \(sizes.own), "delays": \(delays),
       "depformer_dim": \(depth.width), "depformer_num_heads": \(depth.heads),
       "depformer_num_layers": \(depth.layers), "depformer_context": 8, "depformer_gating": "silu",
       "depformer_pos_emb": "none", "depformer_multi_linear": true, "depformer_weights_per_step": true,
       \(modules > 0 ? "\"mctp\": {\"modules\": \(modules), \"window\": 32}," : "")
       "moshi_name": "model.safetensors"}
      """
  }

  /// Name and shape of every tensor that a model of this shape has.
  private var tensors: [(name: String, shape: [Int])] {
    let (sizes, depth) = (sizes, sizes.depth ?? .large)
    var list: [(name: String, shape: [Int])] = []
    func add(_ name: String, _ shape: Int...) { list.append((name, shape)) }
    func layer(_ name: String, _ width: Int, sets: Int) {
      add(name + ".norm1.alpha", 1, 1, width)
      add(name + ".norm2.alpha", 1, 1, width)
      add(name + ".self_attn.in_proj_weight", sets * 3 * width, width)
      add(name + ".self_attn.out_proj.weight", sets * width, width)
    }
    add("text_emb.weight", sizes.text + 1, sizes.width)
    for index in 0..<sizes.codebooks { add("emb.\(index).weight", Self.cardinality + 1, sizes.width) }
    for index in 0..<sizes.layers {
      let name = "transformer.layers.\(index)"
      layer(name, sizes.width, sets: 1)
      add(name + ".gating.linear_in.weight", 2 * sizes.hidden, sizes.width)
      add(name + ".gating.linear_out.weight", sizes.width, sizes.hidden)
    }
    add("out_norm.alpha", 1, 1, sizes.width)
    add("text_linear.weight", sizes.text, sizes.width)
    guard sizes.own > 0 else { return list }
    add("depformer_text_emb.weight", sizes.text + 1, depth.width)
    for index in 0..<sizes.own - 1 { add("depformer_emb.\(index).weight", Self.cardinality + 1, depth.width) }
    for index in 0..<depth.layers { layer("depformer.layers.\(index)", depth.width, sets: sizes.own) }
    for step in 0..<sizes.own {
      add("depformer_in.\(step).weight", depth.width, sizes.width)
      add("linears.\(step).weight", Self.cardinality, depth.width)
      for index in 0..<depth.layers {
        let name = "depformer.layers.\(index).gating.\(step)"
        add(name + ".linear_in.weight", 2 * depth.hidden, depth.width)
        add(name + ".linear_out.weight", depth.width, depth.hidden)
      }
    }
    return list
  }

  /// The same for a drafter.
  private func drafter(_ modules: Int) -> [(name: String, shape: [Int])] {
    let sizes = sizes
    return (0..<modules).flatMap { index -> [(name: String, shape: [Int])] in
      let (name, width) = ("modules.\(index)", sizes.width)
      let norms = ["norm_e", "norm_h", "layer.norm1", "layer.norm2", "out_norm"]
      return norms.map { ("\(name).\($0).alpha", [width]) } + [
        ("\(name).proj.weight", [width, 2 * width]),
        ("\(name).layer.self_attn.in_proj_weight", [3 * width, width]),
        ("\(name).layer.self_attn.out_proj.weight", [width, width]),
        ("\(name).layer.gating.linear_in.weight", [2 * sizes.hidden, width]),
        ("\(name).layer.gating.linear_out.weight", [width, sizes.hidden]),
      ]
    }
  }

  // Holes read as zeros. Norms with a gain of zero take the same time as any others.
  private static func writeWeights(
    _ tensors: [(name: String, shape: [Int])], _ path: String
  ) throws(FileError) {
    let header = SafetensorsHeader(tensors: tensors.map { ($0.name, .bfloat16, $0.shape) })
    let (bytes, file) = (header.bytes(), try OutputFile(path, existing: .replaced))
    try file.write(bytes)
    try file.extend(to: bytes.count + header.dataBytes)
  }
}
