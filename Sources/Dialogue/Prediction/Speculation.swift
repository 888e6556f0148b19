public import Base
internal import Kernels
internal import Layers

// Speculative decoding (Leviathan et al. 2023) of a recording, where the person's next frames are known: what was drafted
// is compared with what the backbone draws, several columns in one pass, and what is the same is kept. Each column is
// drawn with the random numbers that its step would use, so what is said is what steps say, drawn or greedy.

extension DialogueStepper {
  /// Hears the next frames of a recording and says as many of them as one pass of the backbone can tell.
  ///
  /// - Parameters:
  ///   - user: the user's codes, [frames][streams.user], from 1 frame. As many frames as the state drafts, and one, are of
  ///     use.
  ///   - own: the model's codes of a frame, [streams.own]; handed to `said`.
  ///   - state: of the same model, with a prediction that drafts spare columns, and nothing else.
  ///   - clock: the clock from which the times of a step are read.
  ///   - said: called after each step with what it says; `positions` is 0 for all but the last.
  /// - Returns: how many steps were taken, from 1; the other frames are heard again.
  /// - Precondition: the spans have these lengths, and the state is the model's.
  public mutating func speculate(
    _ user: Span<Int32>, into own: inout MutableSpan<Int32>, _ state: inout DialogueState,
    clock: RunClock = .monotonic, said: (DialogueStep, UnsafeBufferPointer<Int32>) -> Void
  ) -> Int {
    let streams = dialogue.streams
    precondition(
      user.count >= streams.user && user.count % streams.user == 0 && own.count == streams.own,
      "one code for each codebook")
    let usual = state.prediction
    precondition(!usual.isEarly && usual.framesPerPass == 1, "drafts that are only compared")
    let frames = user.count / streams.user
    var taken = 0
    _ = request(user, nil, into: &own, &state, clock) { request in
      taken = dialogue.speculate(request, scratch, frames: frames) {
        said($0, UnsafeBufferPointer(start: request.own, count: streams.own))
      }
    }
    return taken
  }
}

extension Dialogue {
  /// One pass: keeps the drafted columns that are what the backbone draws, and draws the one after them.
  ///
  /// - Parameters:
  ///   - request: of one state.
  ///   - frames: of `request.user`.
  ///   - said: called after each step.
  /// - Returns: steps taken.
  func speculate(
    _ request: StepRequest, _ scratch: borrowing DialogueScratch, frames: Int, said: (DialogueStep) -> Void
  ) -> Int {
    var request = request
    let (plan, pass, state) = (scratch.plan, scratch.pass(workers), request.states[0])
    let (memory, first) = (state.pointee.memory.view, state.pointee.steps)
    let guesses = min(state.pointee.drafts, frames - 1, plan.lanes - 1)
    (request.active[0], request.activeCount) = (0, 1)
    for lane in 0...guesses {
      if let codes = request.user {
        ring.hear(codes + lane * streams.user, at: first + Int64(lane), memory)
      }
      let x = backbone.lane(lane, plan.backbone, pass)
      listener.listen(at: first + Int64(lane), memory, into: x, workers)
    }
    pass.lanes.append(memory, first: first, length: guesses + 1)
    let start = request.clock.now
    let hidden = backbone.think(plan.backbone, pass)
    let backboneEnd = request.clock.now
    var right = 0
    if guesses > 0, let regions = plan.drafter {
      right = speaker.rightColumns(
        hidden, count: guesses, request, regions, pass, scratch.depthPass(workers))
    }
    state.pointee.drafts = 0
    for _ in 0..<right {
      request.results[0] = DialogueStep()
      state.pointee.generator.skip(state.pointee.drawsPerStep)
      finish(request, (start, start, start, 0))
      request.results[0].positions = 0
      said(request.results[0])
    }
    request.results[0] = DialogueStep()
    let last = hidden[right]
    speaker.speakText(last, request, plan.speaker, pass)
    let textEnd = request.clock.now
    speaker.speakCodes(last, request, plan.speaker, scratch.depthPass(workers))
    let depthEnd = request.clock.now
    redraft(hidden, after: right, from: first, request, scratch)
    finish(request, (backboneEnd, textEnd, depthEnd, request.clock.now))
    request.results[0].positions = guesses + 1
    said(request.results[0])
    return right + 1
  }

  /// Drafts from the lanes that are right, and takes back those behind them: their places are written again.
  private func redraft(
    _ hidden: Hidden, after right: Int, from first: Int64, _ request: StepRequest,
    _ scratch: borrowing DialogueScratch
  ) {
    guard let drafter, let regions = scratch.plan.drafter else { return }
    let (pass, state) = (scratch.pass(workers), request.states[0])
    pass.lanes.append(state.pointee.memory.view, first: first, length: right + 1)
    state.pointee.pending = right
    let kept = Hidden(raw: hidden.raw, normed: hidden.normed, count: right + 1, width: hidden.width)
    drafter.draft(kept, request, speaker, regions, pass, scratch.depthPass(workers))
    state.pointee.pending = 0
  }
}

extension Speaker {
  /// How many of the state's drafted columns, from the first on, are what steps would draw.
  ///
  /// - Parameters:
  ///   - hidden: the backbone's, of the steps that draw these columns.
  ///   - count: columns, from 1.
  func rightColumns(
    _ hidden: Hidden, count: Int, _ request: StepRequest, _ regions: FrameDrafter.Scratch, _ pass: Pass,
    _ depthPass: Pass
  ) -> Int {
    let (state, sampler) = (request.state(0), regions.review.sampler)
    let (logits, tokens) = (pass.scratch[regions.review.textLogits], pass.scratch[regions.review.tokens])
    let generators = pass.scratch[regions.generators]
    var right = count
    func drafted(_ column: Int, _ row: Int) -> Int32 {
      ring.tokens(at: state.pointee.steps + Int64(column), state.pointee.memory.view)[row]
    }
    textHead(hidden.normed, into: logits, count: count, pass.workers)
    for column in 0..<count {
      generators[column] = state.pointee.generator
      generators[column].skip(column * state.pointee.drawsPerStep)
      let drawn = sampler.draw(
        logits + column * textHead.outputs, textHead.outputs, state.pointee.textSampling,
        &generators[column], pass.scratch)
      tokens[column] = drafted(column, Streams.text)
      if drawn != tokens[column] { right = min(right, column) }
    }
    guard let depth, let scratch = regions.review.depth, right > 0 else { return right }
    depth.step(hidden.normed, tokens, count: count, steps: streams.own, scratch, depthPass) {
      step, column, logits in
      let drawn = sampler.draw(
        logits, streams.cardinality, state.pointee.audioSampling, &generators[column], pass.scratch)
      let said = drafted(column, 1 + step)
      if drawn != said { right = min(right, column) }
      return said
    }
    return right
  }
}
