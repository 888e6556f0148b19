internal import Checkpoint
internal import Kernels
internal import Layers

/// The small transformer that runs over the codebooks of one frame (Moshi, 3.4.2, "depformer"): step k reads the
/// temporal transformer's output and the token of codebook k - 1, and gives the logits of codebook k.
struct DepthTransformer: Sendable {
  private struct Layer: Sendable {
    let norms: [(Norm, Norm)]  // by weight set; one set where they are shared
    let attention: [Attention]
    let feedForward: [FeedForward]
    let cache: KVCache
  }

  private let configuration: DepthConfiguration
  private let inputs: [Linear]  // by weight set
  private let embeddings: [TokenEmbedding]  // by step: text, then codebooks 0...
  private let layers: [Layer]
  private let headNorms: [Norm]
  private let heads: [Linear]  // by step
  private let cachePlan: MemoryPlan
  let steps: Int
  let cardinality: Int

  init(
    _ checkpoint: Checkpoint, _ configuration: DepthConfiguration, _ streams: Streams, temporalWidth: Int
  ) throws(CheckpointError) {
    self.configuration = configuration
    steps = streams.own
    cardinality = streams.cardinality
    let names = DepthNames(checkpoint, configuration)
    let width = configuration.width
    let sets = names.sets
    inputs = try sets.map { set throws(CheckpointError) in
      try Linear(names.input(set), inputs: temporalWidth, outputs: width)
    }
    embeddings = try (0..<steps).map { step throws(CheckpointError) in
      try TokenEmbedding(
        names.embedding(step), tokens: (step == 0 ? streams.textCardinality : streams.cardinality) + 1,
        width: width,
        rank: configuration.lowRank)
    }
    var plan = MemoryPlan()
    var layers: [Layer] = []
    for index in 0..<configuration.layers {
      layers.append(
        Layer(
          norms: try (names.isUnrolled ? sets : [0]).map { set throws(CheckpointError) in
            let scope = names.layer(index, set)
            return (
              try Norm(scope["norm1"], configuration.norm, width: width),
              try Norm(scope["norm2"], configuration.norm, width: width)
            )
          },
          attention: try sets.map { set throws(CheckpointError) in
            try Attention(
              names.layer(index, set)["self_attn"], width: width, heads: configuration.heads,
              set: names.isUnrolled ? 0 : set, of: names.isUnrolled ? 1 : sets.count)
          },
          feedForward: try sets.map { set throws(CheckpointError) in
            let scope = names.layer(index, set)
            guard configuration.gated else { return try FeedForward(plain: scope, width: width) }
            let single = scope.has("gating.linear_in.weight")
            return try FeedForward(gated: single ? scope["gating"] : scope["gating.\(set)"], width: width)
          },
          cache: KVCache(
            heads: configuration.heads, headWidth: width / configuration.heads, capacity: steps, in: &plan)))
    }
    self.layers = layers
    cachePlan = plan
    headNorms =
      try configuration.headNorm.map { kind throws(CheckpointError) in
        try (0..<streams.own).map { step throws(CheckpointError) in
          try Norm(checkpoint.scope("depformer_norms.\(step)"), kind, width: width)
        }
      } ?? []
    heads = try (0..<steps).map { step throws(CheckpointError) in
      try Linear(names.output(step), inputs: width, outputs: streams.cardinality)
    }
  }

  /// Bytes of weights that one frame reads.
  var bytesPerStep: Int {
    configuration.schedule.prefix(steps).reduce(heads.reduce(0) { $0 + $1.matrix.bytes }) { sum, set in
      layers.reduce(sum + inputs[set].matrix.bytes) { sum, layer in
        let attention = layer.attention[set]
        return layer.feedForward[set].matrices.reduce(
          sum + attention.input.matrix.bytes + attention.output.matrix.bytes
        ) { $0 + $1.bytes }
      }
    }
  }

  /// What the steps of one frame need, for some number of columns.
  struct Scratch: Sendable {
    let x: Region<Float>  // [columns][width]
    let normed: Region<Float>  // [columns][width]
    let hidden: Region<Float>
    let logits: Region<Float>  // [steps][columns][cardinality]
    let narrow: Region<Float>
    let caches: Region<UInt8>  // a ring per column
    let attention: Attention.Scratch
    let capacity: Int
  }

  func reserveScratch(columns: Int, in plan: inout MemoryPlan) -> Scratch {
    let width = configuration.width
    return Scratch(
      x: plan.reserve(Float.self, columns * width), normed: plan.reserve(Float.self, columns * width),
      hidden: plan.reserve(
        Float.self, columns * (layers.flatMap(\.feedForward).map(\.scratchPerColumn).max() ?? 0)),
      logits: plan.reserve(Float.self, steps * columns * cardinality),
      narrow: plan.reserve(Float.self, configuration.lowRank ?? 1),
      caches: plan.reserve(UInt8.self, columns * cachePlan.bytes),
      attention: Attention.Scratch(
        width: width, heads: configuration.heads, capacity: steps, columns: columns, rotary: nil, in: &plan),
      capacity: columns)
  }

  /// Draws the codes of one frame for every column.
  ///
  /// - Parameters:
  ///   - hidden: [count][temporal width]
  ///   - tokens: per column, the text token at first; overwritten with the codebook's token of each step.
  ///   - draw: (step, column, logits) -> token.
  func step(
    _ hidden: UnsafePointer<Float>, _ tokens: UnsafeMutablePointer<Int32>, count: Int, _ columns: Columns,
    _ regions: Scratch, _ scratch: MemoryView, _ workers: Workers,
    draw: (Int, Int, UnsafePointer<Float>) -> Int32
  ) {
    let width = configuration.width
    let (x, normed) = (scratch[regions.x], scratch[regions.normed])
    for step in 0..<steps {
      let set = configuration.schedule[step]
      columns.removeAll()
      for column in 0..<count {
        let cache = UnsafeMutableRawPointer(scratch[regions.caches] + column * cachePlan.bytes)
        columns.append(MemoryView(base: cache), first: Int64(step))
      }
      inputs[min(set, inputs.count - 1)](hidden, into: x, count: count, workers)
      for column in 0..<count {
        embeddings[step].add(
          tokens[column], to: x + column * width, scratch: scratch[regions.narrow], workers)
      }
      // By index: iterators over large structs take heap memory in builds that are not optimised.
      for index in layers.indices {
        let layer = layers[index]
        let (norm1, norm2) = layer.norms[min(set, layer.norms.count - 1)]
        norm1(x, into: normed, count: count)
        layer.attention[set].step(
          normed, into: x, accumulate: true, layer.cache, context: steps, rotary: nil, columns,
          regions.attention,
          scratch, workers)
        norm2(x, into: normed, count: count)
        layer.feedForward[set](
          normed, into: x, count: count, accumulate: true, scratch: scratch[regions.hidden], workers)
      }
      if !headNorms.isEmpty { headNorms[step](x, into: x, count: count) }
      let logits = scratch[regions.logits] + step * regions.capacity * cardinality
      heads[step](x, into: logits, count: count, workers)
      for column in 0..<count { tokens[column] = draw(step, column, logits + column * cardinality) }
    }
  }
}

/// Where the depth transformer's tensors lie: stacked by weight set (PyTorch), or unrolled by codebook (candle).
private struct DepthNames {
  private let checkpoint: Checkpoint
  private let configuration: DepthConfiguration
  let isUnrolled: Bool

  init(_ checkpoint: Checkpoint, _ configuration: DepthConfiguration) {
    self.checkpoint = checkpoint
    self.configuration = configuration
    isUnrolled = checkpoint.has("depformer.0.linear_in.weight")
  }

  var sets: [Int] { Array(0...(configuration.schedule.max() ?? 0)) }

  // Unrolled files repeat a set for every step that uses it; the first copy serves.
  private func firstStep(of set: Int) -> Int { configuration.schedule.firstIndex(of: set) ?? set }

  func input(_ set: Int) -> Scope {
    if isUnrolled { return checkpoint.scope("depformer.\(firstStep(of: set)).linear_in") }
    // A file whose steps share one input has only the first.
    let isShared = checkpoint.count(prefix: "depformer_in.") == 1
    return checkpoint.scope("depformer_in.\(isShared ? 0 : set)")
  }

  func output(_ step: Int) -> Scope {
    checkpoint.scope(isUnrolled ? "depformer.\(step).linear_out" : "linears.\(step)")
  }

  func embedding(_ step: Int) -> Scope {
    if isUnrolled { return checkpoint.scope("depformer.\(step).emb") }
    return checkpoint.scope(step == 0 ? "depformer_text_emb" : "depformer_emb.\(step - 1)")
  }

  func layer(_ layer: Int, _ set: Int) -> Scope {
    checkpoint.scope(
      isUnrolled
        ? "depformer.\(firstStep(of: set)).transformer.layers.\(layer)" : "depformer.layers.\(layer)")
  }
}
