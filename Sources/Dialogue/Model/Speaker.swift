internal import Checkpoint
internal import Kernels
internal import Layers

/// The end of a step: turns the backbone's hidden state into a text token, values of extra heads, and the codes of a
/// frame.
struct Speaker: Sendable {
  let streams: Streams
  let ring: TokenRing
  let textHead: Linear
  private let extraHeads: [Linear]
  private let extraWidth: Int
  private let textPadding: Int
  let depth: DepthTransformer?

  /// - Parameter root: where `text_linear`, `extra_heads.0`, ... and the depth transformer are.
  init(
    _ root: Scope, _ configuration: DialogueConfiguration, _ ring: TokenRing
  ) throws(CheckpointError) {
    streams = configuration.streams
    self.ring = ring
    let (width, extra) = (configuration.width, configuration.extraHeads)
    textHead = try Linear(root["text_linear"], inputs: width, outputs: configuration.textOutputs)
    extraHeads = try (0..<extra.count).map { index throws(CheckpointError) in
      try Linear(root["extra_heads.\(index)"], inputs: width, outputs: extra.width)
    }
    extraWidth = extra.width
    textPadding = Int(configuration.textPadding)
    depth = try configuration.depth.map { depth throws(CheckpointError) in
      try DepthTransformer(root.checkpoint, depth, inputs: width)
    }
  }

  /// Bytes of weights that one step reads.
  var bytesPerStep: Int { textHead.matrix.bytes + (depth?.bytesPerStep ?? 0) }

  struct Scratch: Sendable {
    let textLogits: Region<Float>  // [lanes][text outputs]
    let extra: Region<Float>  // [lanes][extra heads][extra width]
    let tokens: Region<Int32>  // [lanes]
    let depth: DepthTransformer.Scratch?
    let sampler: Sampler
  }

  func reserveScratch(lanes: Int, in plan: inout MemoryPlan) -> Scratch {
    Scratch(
      textLogits: plan.reserve(Float.self, lanes * textHead.outputs),
      extra: plan.reserve(Float.self, lanes * extraHeads.count * extraWidth),
      tokens: plan.reserve(Int32.self, lanes), depth: depth?.reserveScratch(lanes: lanes, in: &plan),
      sampler: Sampler(cardinality: max(textHead.outputs, streams.cardinality), scratch: &plan))
  }

  /// Draws the text token of every lane, and computes the extra heads.
  func speakText(_ hidden: Hidden, _ request: StepRequest, _ regions: Scratch, _ pass: Pass) {
    let (logits, tokens) = (pass.scratch[regions.textLogits], pass.scratch[regions.tokens])
    textHead(hidden.normed, into: logits, count: hidden.count, pass.workers)
    readExtraHeads(hidden, pass.scratch[regions.extra], pass.workers)
    for lane in 0..<hidden.count {
      let state = request.state(lane)
      let drawn = regions.sampler.draw(
        logits + lane * textHead.outputs, textHead.outputs, state.pointee.textSampling,
        &state.pointee.generator, pass.scratch)
      request.results[request.active[lane]].paddingProbability = regions.sampler.probability(
        of: textPadding, logits + lane * textHead.outputs, textHead.outputs, pass.scratch)
      tokens[lane] = say(drawn, row: Streams.text, lane, request)
    }
  }

  /// Draws the codes of every lane. `speakText` must run first.
  ///
  /// - Parameter pass: with lanes for the depth transformer.
  func speakCodes(_ hidden: Hidden, _ request: StepRequest, _ regions: Scratch, _ pass: Pass) {
    guard let depth, let scratch = regions.depth else { return }
    let rows = freeRows(request)
    depth.step(
      hidden.normed, pass.scratch[regions.tokens], count: hidden.count, steps: rows, scratch, pass
    ) { step, lane, logits in
      let state = request.state(lane)
      // What has come out is not drawn, whether other conversations of the batch need this row or not.
      if isDelivered(1 + step, state) {
        state.pointee.passOver(rows: 1)
        let said = say(0, row: 1 + step, lane, request)
        if state.pointee.prediction.isMeasured {
          let probability = regions.sampler.probability(
            of: Int(said), logits, streams.cardinality, pass.scratch)
          request.results[request.active[lane]].regret.add(row: 1 + step, probability)
        }
        return said
      }
      let drawn = regions.sampler.draw(
        logits, streams.cardinality, state.pointee.audioSampling, &state.pointee.generator, pass.scratch)
      return say(drawn, row: 1 + step, lane, request)
    }
    for lane in 0..<hidden.count { request.state(lane).pointee.passOver(rows: streams.own - rows) }
  }

  /// Own rows up to the last one that is to be drawn, or measured, in any conversation of the step.
  private func freeRows(_ request: StepRequest) -> Int {
    for row in streams.ownRows.reversed() {
      for index in 0..<request.activeCount {
        let state = request.state(index)
        if state.pointee.prediction.isMeasured || !isDelivered(row, state) { return row }
      }
    }
    return 0
  }

  /// Whether the code of a row in this step belongs to a frame that came out already, as drafted.
  private func isDelivered(_ row: Int, _ state: UnsafeMutablePointer<DialogueState>) -> Bool {
    state.pointee.drafts > 0 && row != Streams.text
      && state.pointee.steps - Int64(streams.delays[row]) < state.pointee.delivered
  }

  /// Stores the token of a row: the forced one if there is one, the drafted one if it has come out, and the drawn one
  /// otherwise.
  private func say(_ drawn: Int32, row: Int, _ lane: Int, _ request: StepRequest) -> Int32 {
    let state = request.state(lane)
    let place = ring.tokens(at: state.pointee.steps, state.pointee.memory.view) + row
    let given = request.given(lane, row: row, of: 1 + streams.own)
    if given >= 0 && given <= streams.initialToken(row) {
      place.pointee = given
    } else if !isDelivered(row, state) {
      place.pointee = drawn
    }
    return place.pointee
  }

  /// Draws a column from what a module of the drafter gave, into the ring.
  ///
  /// - Parameters:
  ///   - hidden: [request.activeCount][width], in place of the backbone's hidden states.
  ///   - ahead: steps from the state's step to the column's.
  func draft(
    _ hidden: UnsafePointer<Float>, _ request: StepRequest, ahead: Int64, _ regions: Scratch, _ pass: Pass,
    _ depthPass: Pass
  ) {
    let (logits, tokens) = (pass.scratch[regions.textLogits], pass.scratch[regions.tokens])
    let count = request.activeCount
    func place(_ index: Int) -> UnsafeMutablePointer<Int32> {
      let state = request.state(index)
      return ring.tokens(at: state.pointee.steps + ahead, state.pointee.memory.view)
    }
    textHead(hidden, into: logits, count: count, pass.workers)
    for index in 0..<count {
      let state = request.state(index)
      tokens[index] = regions.sampler.draw(
        logits + index * textHead.outputs, textHead.outputs,
        state.pointee.draws(ahead) ? state.pointee.textSampling : .greedy,
        &state.pointee.draftGenerator, pass.scratch)
      place(index)[Streams.text] = tokens[index]
    }
    guard let depth, let scratch = regions.depth else { return }
    depth.step(hidden, tokens, count: count, steps: streams.own, scratch, depthPass) { step, index, logits in
      let state = request.state(index)
      let drawn = regions.sampler.draw(
        logits, streams.cardinality, state.pointee.draws(ahead) ? state.pointee.audioSampling : .greedy,
        &state.pointee.draftGenerator, pass.scratch)
      place(index)[1 + step] = drawn
      return drawn
    }
  }

  private func readExtraHeads(
    _ hidden: Hidden, _ values: UnsafeMutablePointer<Float>, _ workers: Workers
  ) {
    let stride = extraHeads.count * extraWidth
    for index in extraHeads.indices {
      let out = values + index * extraWidth
      extraHeads[index](hidden.normed, into: out, yStride: stride, count: hidden.count, workers)
      for lane in 0..<hidden.count { Kernels.softmax(out + lane * stride, extraWidth) }
    }
  }

  /// Logits of code row `row` of a step of one lane, [cardinality].
  func codeLogits(row: Int, _ regions: Scratch, _ scratch: MemoryView) -> UnsafeBufferPointer<Float>? {
    guard let depth, let depthScratch = regions.depth else { return nil }
    return depth.logits(step: row, depthScratch, scratch)
  }
}
