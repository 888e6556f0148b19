internal import Checkpoint
internal import Kernels
internal import Layers

/// Multi-token prediction: guesses the columns of the steps to come from the backbone's hidden state, before what the
/// person says in them is known.
///
/// Module i reads the column that module i - 1 drafted (the first: the one just drawn) and the state that it left (the
/// first: the backbone's), and the model's own text head and depth transformer draw the next column from what it gives.
/// Drafts lie in the token ring ahead of the state's step, where a step finds them.
struct FrameDrafter: Sendable {
  /// Where the drafted columns come from.
  private let modules: [DraftModule]
  private let ring: TokenRing
  private let listener: Listener
  let width: Int

  /// - Parameters:
  ///   - root: the drafter's file.
  ///   - model: the model's file, whose backbone must be the one that the drafter was trained on.
  ///   - state: the plan of a state's memory.
  init(
    _ root: Scope, of model: Scope, _ draft: DraftConfiguration, _ backbone: TransformerConfiguration,
    _ ring: TokenRing, _ listener: Listener, state: inout MemoryPlan
  ) throws(CheckpointError) {
    if let expected = draft.backbone {
      let found = try Self.fingerprint(model, backbone)
      guard expected == found else {
        throw .badField(
          file: root.checkpoint.path, field: "backbone",
          expected: "\(found), the fingerprint of the model beside it", found: expected)
      }
    }
    var modules: [DraftModule] = []
    for index in 0..<draft.modules {
      modules.append(
        try DraftModule(root["modules.\(index)"], backbone, window: draft.window, state: &state))
    }
    self.modules = modules
    self.ring = ring
    self.listener = listener
    width = backbone.width
  }

  /// Columns that can be drafted ahead.
  var reach: Int { modules.count }

  /// Bytes of weights that the first `count` modules read.
  func bytesPerPass(_ count: Int) -> Int { modules.prefix(count).reduce(0) { $0 + $1.bytesPerPass } }

  struct Scratch: Sendable {
    let columns: Region<Float>  // [lanes][width]
    let hidden: Region<Float>  // [lanes][width]
    let last: Region<Float>  // [states][width]
    let modules: [DraftModule.Scratch]
    let speaker: Speaker.Scratch
    /// For the columns of a pass that are reviewed, one for each lane.
    let review: Speaker.Scratch
    let reviewed: Region<(index: Int, step: Int64)>  // [lanes]
    let generators: Region<SeededGenerator>  // [lanes]
  }

  /// - Parameters:
  ///   - lanes: most lanes of a pass.
  ///   - states: most states of a pass.
  func reserveScratch(
    lanes: Int, states: Int, _ speaker: Speaker, in plan: inout MemoryPlan
  ) -> Scratch {
    Scratch(
      columns: plan.reserve(Float.self, lanes * width), hidden: plan.reserve(Float.self, lanes * width),
      last: plan.reserve(Float.self, states * width),
      modules: modules.map { $0.reserveScratch(lanes: lanes, in: &plan) },
      speaker: speaker.reserveScratch(lanes: states, in: &plan),
      review: speaker.reserveScratch(lanes: lanes, in: &plan),
      reviewed: plan.reserve((index: Int, step: Int64).self, lanes),
      generators: plan.reserve(SeededGenerator.self, lanes))
  }

  /// Drafts the columns after the one that each state of the pass has just drawn.
  ///
  /// - Parameters:
  ///   - hidden: of all lanes of the pass, a state's lanes one after the other, the newest last.
  ///   - request: its active states. Modules run as far as any state may need them, because each must see every
  ///     position; where nobody needs the last one's column now, it is not drawn.
  ///   - pass: the backbone's, with its lanes.
  ///   - depthPass: a pass for the depth transformer.
  func draft(
    _ hidden: Hidden, _ request: StepRequest, _ speaker: Speaker, _ regions: Scratch, _ pass: Pass,
    _ depthPass: Pass
  ) {
    let count = request.most { $0.reach }
    guard count > 0 else { return }
    let drawn = request.most { $0.drawnDrafts }
    // Drafts are drawn with the random numbers that the backbone will draw with, so that both agree where they can.
    for index in 0..<request.activeCount {
      let state = request.state(index)
      state.pointee.draftGenerator = state.pointee.generator
    }
    let (columns, g, last) = (
      pass.scratch[regions.columns], pass.scratch[regions.hidden], pass.scratch[regions.last]
    )
    g.update(from: hidden.normed, count: hidden.count * width)
    for number in 0..<min(count, modules.count) {
      embed(request, ahead: Int64(number), into: columns, pass.workers)
      modules[number].step(columns, g, regions.modules[number], pass)
      guard number < drawn else { break }
      request.gather(g, width: width, into: last)
      speaker.draft(last, request, ahead: Int64(number + 1), regions.speaker, pass, depthPass)
    }
    for index in 0..<request.activeCount {
      let state = request.state(index)
      state.pointee.drafts = state.pointee.prediction.draftedColumns
    }
  }

  /// Embeds the columns `ahead` steps after each lane's own.
  private func embed(
    _ request: StepRequest, ahead: Int64, into columns: UnsafeMutablePointer<Float>, _ workers: Workers
  ) {
    var lane = 0
    for index in 0..<request.activeCount {
      let state = request.state(index)
      let memory = state.pointee.memory.view
      for back in stride(from: state.pointee.pending, through: 0, by: -1) {
        let step = state.pointee.steps - Int64(back) + ahead
        listener.embedColumn(of: step, memory, into: columns + lane * width, workers)
        lane += 1
      }
    }
  }

  /// A short value that tells one backbone from another: FNV-1a (64 bits, hexadecimal) of the gains of its norms, which
  /// are never rounded when a model is packed: `out_norm`, then `norm1` and `norm2` of every layer, as little-endian f32.
  static func fingerprint(
    _ model: Scope, _ backbone: TransformerConfiguration
  ) throws(CheckpointError) -> String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    func add(_ scope: Scope) throws(CheckpointError) {
      let gain = try scope.vector(scope.has("weight") ? "weight" : "alpha", backbone.width)
      for index in 0..<gain.count {
        withUnsafeBytes(of: gain.base[index].bitPattern.littleEndian) {
          for byte in $0 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        }
      }
    }
    try add(model["out_norm"])
    for layer in 0..<backbone.layers {
      try add(model["transformer.layers.\(layer).norm1"])
      try add(model["transformer.layers.\(layer).norm2"])
    }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
