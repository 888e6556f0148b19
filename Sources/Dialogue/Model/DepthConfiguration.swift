internal import Checkpoint
internal import Layers

/// The configuration of a depth transformer: its sizes, what each of its steps reads and predicts, and the names of its
/// tensors.
struct DepthConfiguration: Sendable {
  let width: Int
  let heads: Int
  let layers: Int
  let norm: Norm.Kind
  let gated: Bool
  /// Norm before the heads, if there is one.
  let headNorm: Norm.Kind?
  /// The weight set of each step.
  let schedule: [Int]
  /// Width of low-rank embedding tables.
  let lowRank: Int?
  /// Tokens of the vocabulary that the first step reads: text.
  let firstVocabulary: Int
  /// Tokens of the vocabulary that each step predicts; the step after it reads them.
  let vocabularies: [Int]
  var names = DepthNames()

  var steps: Int { vocabularies.count }

  /// Sets of weights.
  var sets: Int { (schedule.max() ?? 0) + 1 }

  /// The stack of layers: its positions are the steps of one frame.
  var stack: TransformerConfiguration {
    TransformerConfiguration(
      width: width, heads: heads, layers: layers, context: steps, capacity: steps, maxPeriod: 10000,
      norm: norm, gated: gated, position: .none)
  }
}

extension DepthConfiguration {
  /// Reads the configuration of the depth transformer that draws the codes from `config.json`: one step for each of the
  /// model's own codebooks.
  ///
  /// - Parameters:
  ///   - norm: the backbone's kind of norm.
  ///   - gating: the backbone's gating, which the depth transformer shares unless the file says otherwise.
  init(
    _ fields: Fields, _ streams: Streams, norm usualNorm: Norm.Kind, gating: String, isMoshi7B: Bool
  ) throws(CheckpointError) {
    firstVocabulary = streams.textCardinality
    vocabularies = Array(repeating: streams.cardinality, count: streams.own)
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
      guard given.count >= streams.own else {
        throw fields.bad("depformer_weights_per_step_schedule", "\(streams.own) integers")
      }
      schedule = Array(given.prefix(streams.own))
    } else {
      schedule = (0..<streams.own).map { perStep ? $0 : 0 }
    }
    lowRank =
      fields.has("depformer_low_rank_embeddings")
      ? try fields.integer("depformer_low_rank_embeddings", 1...65536) : nil
  }
}

/// Names of a depth transformer's tensors; the defaults are those of the one that draws the codes.
struct DepthNames: Sendable {
  /// From the backbone's width, by weight set.
  var input = "depformer_in"
  /// Table that the first step reads.
  var firstEmbedding = "depformer_text_emb"
  /// Table that step k + 1 reads, by k.
  var embedding = "depformer_emb"
  /// The stack, its weight sets in one tensor.
  var layers = "depformer.layers"
  /// By step.
  var headNorm = "depformer_norms"
  /// By step.
  var head = "linears"
  /// Where files that repeat everything for every step store it (candle), by step.
  var unrolled = "depformer"
}
