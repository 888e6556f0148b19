internal import Base
internal import Kernels
internal import Layers

extension Dialogue {
  /// One step of some conversations at once: every weight is read once for all of them.
  func advance(_ request: StepRequest, _ scratch: borrowing DialogueScratch) {
    var request = request
    let (plan, pass) = (scratch.plan, scratch.pass(workers))
    choose(&request)
    var times = (request.clock.now, request.clock.now, request.clock.now, Int64(0))
    if request.activeCount > 0 {
      listen(request, plan.backbone, pass)
      let all = backbone.think(plan.backbone, pass)
      if let drafter, let regions = plan.drafter {
        drafter.review(all, request, speaker, regions, pass, scratch.depthPass(workers))
      }
      let hidden = newest(all, request, plan.newest, pass.scratch)
      times.0 = request.clock.now
      speaker.speakText(hidden, request, plan.speaker, pass)
      times.1 = request.clock.now
      speaker.speakCodes(hidden, request, plan.speaker, scratch.depthPass(workers))
      times.2 = request.clock.now
      if let drafter, let regions = plan.drafter {
        drafter.draft(all, request, speaker, regions, pass, scratch.depthPass(workers))
        times.3 = request.clock.now
      }
    }
    finish(request, times)
  }

  /// Chooses the conversations whose backbone runs; the others have drafted columns to say.
  private func choose(_ request: inout StepRequest) {
    for index in 0..<request.count {
      let state = request.states[index]
      request.results[index] = DialogueStep()
      if let codes = request.user {
        ring.hear(codes + index * streams.user, at: state.pointee.steps, state.pointee.memory.view)
      }
      if state.pointee.speaksDraft {
        request.results[index].positions = 0
      } else {
        request.active[request.activeCount] = index
        request.activeCount += 1
      }
    }
  }

  private func listen(_ request: StepRequest, _ regions: Backbone.Scratch, _ pass: Pass) {
    var lane = 0
    for index in 0..<request.activeCount {
      let state = request.state(index)
      let (memory, pending) = (state.pointee.memory.view, state.pointee.pending)
      let first = state.pointee.steps - Int64(pending)
      for position in 0...pending {
        let x = backbone.lane(lane + position, regions, pass)
        listener.listen(at: first + Int64(position), memory, into: x, pass.workers)
      }
      pass.lanes.append(memory, first: first, length: pending + 1)
      request.results[request.active[index]].positions = pending + 1
      lane += pending + 1
    }
  }

  /// The hidden state of each conversation's newest lane.
  private func newest(
    _ hidden: Hidden, _ request: StepRequest, _ region: Region<Float>, _ scratch: MemoryView
  ) -> Hidden {
    guard hidden.count > request.activeCount else { return hidden }
    let newest = scratch[region]
    request.gather(hidden.normed, width: hidden.width, into: newest)
    return Hidden(
      raw: hidden.raw, normed: UnsafePointer(newest), count: request.activeCount, width: hidden.width)
  }

  func finish(_ request: StepRequest, _ times: (Int64, Int64, Int64, Int64)) {
    for index in 0..<request.count {
      let state = request.states[index]
      let (memory, step) = (state.pointee.memory.view, state.pointee.steps)
      // The speaker has written the results for the text there.
      var result = request.results[index]
      result.text = ring.tokens(at: step, memory)[Streams.text]
      result.isPadding =
        result.text == configuration.textPadding || result.text == configuration.textEndOfPadding
      result.times = (times.0, times.1, times.2)
      result.draftEnd = times.3
      let saysDraft = result.positions == 0
      if saysDraft {
        result.paddingProbability = result.isPadding ? 1 : 0
        state.pointee.pending += 1
        state.pointee.drafts -= 1
        state.pointee.generator.skip(state.pointee.drawsPerStep)
      } else {
        state.pointee.pending = 0
      }
      // An early frame is complete with what is drafted for the next step.
      let newest = state.pointee.prediction.isEarly && state.pointee.drafts > 0 ? step + 1 : step
      result.draftDepth = Int(newest - step) + state.pointee.pending
      result.isReady = ring.isReady(newest)
      if result.isReady {
        if let own = request.own { ring.undelay(at: newest, into: own + index * streams.own, memory) }
        state.pointee.delivered = newest - Int64(streams.maxDelay) + 1
      }
      request.results[index] = result
      state.pointee.steps += 1
    }
  }

  /// Hears frames with given tokens instead of drawn ones: a prompt, or what was said before. Nothing comes out, and
  /// the generator is not used. Weights are read once for up to 16 frames, and memory is allocated for them, so this is
  /// not for the frame path. A negative token adds nothing to what the model reads.
  ///
  /// - Parameters:
  ///   - user: the user's codes, [frames][streams.user], each at most `cardinality`.
  ///   - text: the text token of each step, [frames], each at most `textCardinality`.
  ///   - own: the codes of each step, [frames][streams.own]: that of row k belongs to frame (step - delay of k).
  ///   - state: of the same model; it advances by [frames] steps.
  /// - Throws: if lengths do not match, the model has no such token, or another model made the state.
  public func prefill(
    user: Span<Int32>, text: Span<Int32>, own: Span<Int32>, _ state: inout DialogueState
  ) throws(DialogueError) {
    let frames = text.count
    guard state.dialogue === self else { throw .anotherModel }
    guard state.pending == 0 else {
      throw .badArgument(
        name: "state", expected: "one whose last step ran the backbone",
        found: "\(state.pending) drafted columns")
    }
    try Self.check("user", user, frames * streams.user, limit: streams.cardinality)
    try Self.check("text", text, frames, limit: streams.textCardinality)
    try Self.check("own", own, frames * streams.own, limit: streams.cardinality)
    guard frames > 0 else { return }
    let longest = min(frames, DialogueConfiguration.longestBlock)
    let scratch = DialogueScratch(scratchPlan(states: 1, lanes: longest))
    state.drafts = 0
    for start in stride(from: 0, to: frames, by: longest) {
      let pass = scratch.pass(workers)
      let block = start..<min(start + longest, frames)
      pass.lanes.append(state.memory.view, first: state.steps, length: block.count)
      for frame in block {
        let x = backbone.lane(frame - start, scratch.plan.backbone, pass)
        prepare(frame, user, text, own, state.memory.view, step: state.steps, into: x)
        state.steps += 1
      }
      _ = backbone.think(scratch.plan.backbone, pass)
    }
  }

  // One frame of a prompt, with the codes that are heard and the tokens that are given.
  private func prepare(
    _ frame: Int, _ user: Span<Int32>, _ text: Span<Int32>, _ own: Span<Int32>, _ memory: MemoryView,
    step: Int64, into x: UnsafeMutablePointer<Float>
  ) {
    user.extracting(frame * streams.user..<(frame + 1) * streams.user).withUnsafeBufferPointer {
      if let codes = $0.baseAddress { ring.hear(codes, at: step, memory) }
    }
    listener.listen(at: step, memory, into: x, workers)
    let tokens = ring.tokens(at: step, memory)
    tokens[Streams.text] = text[frame]
    for row in 0..<streams.own { tokens[1 + row] = own[frame * streams.own + row] }
  }

  private static func check(
    _ name: String, _ tokens: Span<Int32>, _ count: Int, limit: Int
  ) throws(DialogueError) {
    guard tokens.count == count else {
      throw .wrongCount(name: name, expected: count, found: tokens.count)
    }
    for index in tokens.indices where tokens[index] > limit {
      throw .badArgument(name: name, expected: "tokens of at most \(limit)", found: "\(tokens[index])")
    }
  }

  /// The codes of the state's last step, before their delays are undone, [streams.own].
  package func drawnCodes(_ state: borrowing DialogueState) -> UnsafeBufferPointer<Int32> {
    UnsafeBufferPointer(
      start: ring.tokens(at: max(state.steps - 1, 0), state.memory.view) + 1, count: streams.own)
  }

  /// The text token of the state's last step.
  package func lastText(_ state: borrowing DialogueState) -> Int32 {
    ring.tokens(at: max(state.steps - 1, 0), state.memory.view)[Streams.text]
  }
}
