internal import Checkpoint
internal import Kernels
internal import Layers

/// A small transformer over the rows of one frame (Moshi, 3.4.2, "depformer"): step k reads the backbone's hidden state
/// and the token of step k - 1, and predicts the logits of row k.
struct DepthTransformer: Sendable {
  private let configuration: DepthConfiguration
  private let inputs: [Linear]  // by weight set
  private let embeddings: [TokenEmbedding]  // by step
  private let stack: Transformer
  private let headNorms: [Norm]
  private let heads: [Linear]  // by step
  private let cachePlan: MemoryPlan
  /// For each step, the number of logits of all steps before it, for one lane.
  private let offsets: [Int]

  /// - Parameter inputs: width of the backbone.
  init(
    _ checkpoint: Checkpoint, _ configuration: DepthConfiguration, inputs backboneWidth: Int
  ) throws(CheckpointError) {
    self.configuration = configuration
    let tensors = DepthTensors(checkpoint, configuration)
    let (width, vocabularies) = (configuration.width, configuration.vocabularies)
    let steps = 0..<configuration.steps
    inputs = try (0..<configuration.sets).map { set throws(CheckpointError) in
      try Linear(tensors.input(set), inputs: backboneWidth, outputs: width)
    }
    embeddings = try steps.map { step throws(CheckpointError) in
      try TokenEmbedding(
        tensors.embedding(step),
        tokens: (step == 0 ? configuration.firstVocabulary : vocabularies[step - 1]) + 1, width: width,
        rank: configuration.lowRank)
    }
    var plan = MemoryPlan()
    stack = try Transformer(configuration.stack, sets: configuration.sets, state: &plan) {
      tensors.layer($0, set: $1)
    }
    cachePlan = plan
    headNorms =
      try configuration.headNorm.map { kind throws(CheckpointError) in
        try steps.map { step throws(CheckpointError) in
          try Norm(tensors.headNorm(step), kind, width: width)
        }
      } ?? []
    heads = try steps.map { step throws(CheckpointError) in
      try Linear(tensors.head(step), inputs: width, outputs: vocabularies[step])
    }
    offsets = steps.map { vocabularies.prefix($0).reduce(0, +) }
  }

  /// Bytes of weights that one frame reads.
  var bytesPerStep: Int {
    configuration.schedule.reduce(heads.reduce(0) { $0 + $1.matrix.bytes }) { sum, set in
      sum + inputs[set].matrix.bytes + stack.bytesPerPass(set: set)
    }
  }

  /// Regions of scratch for the steps of one frame, for up to `lanes` lanes.
  struct Scratch: Sendable {
    let x: Region<Float>  // [lanes][width]
    let logits: Region<Float>  // by step: [lanes][vocabulary]
    let narrow: Region<Float>
    let caches: Region<UInt8>  // the rings of every lane
    let stack: TransformerLayer.Scratch
    let lanes: Int
  }

  func reserveScratch(lanes: Int, in plan: inout MemoryPlan) -> Scratch {
    Scratch(
      x: plan.reserve(Float.self, lanes * configuration.width),
      logits: plan.reserve(Float.self, lanes * configuration.vocabularies.reduce(0, +)),
      narrow: plan.reserve(Float.self, configuration.lowRank ?? 1),
      caches: plan.reserve(UInt8.self, lanes * cachePlan.bytes),
      stack: stack.reserveScratch(lanes: lanes, in: &plan), lanes: lanes)
  }

  /// The first lane's logits in one step of the last frame, [vocabulary].
  func logits(step: Int, _ regions: Scratch, _ scratch: MemoryView) -> UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(
      start: scratch[regions.logits] + regions.lanes * offsets[step],
      count: configuration.vocabularies[step])
  }

  /// Draws the tokens of one frame for every lane.
  ///
  /// - Parameters:
  ///   - hidden: [count][backbone's width]
  ///   - tokens: [count], which the first step reads; each step overwrites them with the tokens that it draws.
  ///   - steps: how many of the frame's steps are taken.
  ///   - pass: the pass, whose lanes are filled here; their positions are the steps.
  ///   - draw: (step, lane, logits) -> token.
  func step(
    _ hidden: UnsafePointer<Float>, _ tokens: UnsafeMutablePointer<Int32>, count: Int, steps: Int,
    _ regions: Scratch, _ pass: Pass, draw: (Int, Int, UnsafePointer<Float>) -> Int32
  ) {
    let (lanes, scratch, workers, width) = (pass.lanes, pass.scratch, pass.workers, configuration.width)
    let x = scratch[regions.x]
    for step in 0..<steps {
      let set = configuration.schedule[step]
      lanes.removeAll()
      for lane in 0..<count {
        let cache = UnsafeMutableRawPointer(scratch[regions.caches] + lane * cachePlan.bytes)
        lanes.append(MemoryView(base: cache), first: Int64(step))
      }
      inputs[set](hidden, into: x, count: count, workers)
      for lane in 0..<count {
        embeddings[step].add(tokens[lane], to: x + lane * width, scratch: scratch[regions.narrow], workers)
      }
      stack.step(x, set: set, regions.stack, pass)
      if !headNorms.isEmpty { headNorms[step](x, into: x, count: count) }
      let vocabulary = configuration.vocabularies[step]
      let logits = scratch[regions.logits] + regions.lanes * offsets[step]
      heads[step](x, into: logits, count: count, workers)
      for lane in 0..<count { tokens[lane] = draw(step, lane, logits + lane * vocabulary) }
    }
  }
}

/// Where a depth transformer's tensors are: stacked by weight set (PyTorch), or unrolled by step (candle).
private struct DepthTensors {
  private let checkpoint: Checkpoint
  private let schedule: [Int]
  private let sets: Int
  private let names: DepthNames
  private let isUnrolled: Bool

  init(_ checkpoint: Checkpoint, _ configuration: DepthConfiguration) {
    self.checkpoint = checkpoint
    schedule = configuration.schedule
    sets = configuration.sets
    names = configuration.names
    isUnrolled = checkpoint.has("\(names.unrolled).0.linear_in.weight")
  }

  private func unrolled(_ step: Int, _ name: String) -> Scope {
    checkpoint.scope("\(names.unrolled).\(step).\(name)")
  }

  // Unrolled files repeat a set for every step that uses it; the first copy is read.
  private func firstStep(of set: Int) -> Int { schedule.firstIndex(of: set) ?? set }

  func input(_ set: Int) -> Scope {
    if isUnrolled { return unrolled(firstStep(of: set), "linear_in") }
    // If the steps share one input, the file has only the first.
    let isShared = checkpoint.count(prefix: names.input + ".") == 1
    return checkpoint.scope("\(names.input).\(isShared ? 0 : set)")
  }

  func head(_ step: Int) -> Scope {
    isUnrolled ? unrolled(step, "linear_out") : checkpoint.scope("\(names.head).\(step)")
  }

  func headNorm(_ step: Int) -> Scope { checkpoint.scope("\(names.headNorm).\(step)") }

  func embedding(_ step: Int) -> Scope {
    if isUnrolled { return unrolled(step, "emb") }
    return checkpoint.scope(step == 0 ? names.firstEmbedding : "\(names.embedding).\(step - 1)")
  }

  func layer(_ layer: Int, set: Int) -> TransformerLayer.Source {
    if isUnrolled {
      return TransformerLayer.Source(unrolled(firstStep(of: set), "transformer.layers.\(layer)"))
    }
    return TransformerLayer.Source(checkpoint.scope("\(names.layers).\(layer)"), set: set, of: sets)
  }
}
