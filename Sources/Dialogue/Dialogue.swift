public import Checkpoint
internal import Glibc
internal import Kernels
internal import Layers

/// The dual-stream language model (Moshi, 3.4): it hears the user's codes and predicts its own text and codes, a frame
/// at a time. It sees codes, never samples.
public final class Dialogue: Sendable {
  public let configuration: DialogueConfiguration
  public let streams: Streams
  /// Path of the weights.
  public let path: String
  private let file: WeightFiles
  private let textEmbedding: TokenEmbedding
  private let audioEmbeddings: [TokenEmbedding]
  private let conditioners: [Conditioner]
  private let temporal: Transformer
  private let norm: Norm
  private let textHead: Linear
  private let extraHeads: [Linear]
  private let depth: DepthTransformer?
  /// Bytes of weights that one step reads. Added up once: every frame of a log asks for it.
  public let bytesPerStep: Int
  /// Bytes of keys and values that one more frame adds, until the window is full.
  public let cacheBytesPerFrame: Int
  private let statePlan: MemoryPlan
  private let regions: DialogueRegions
  private let workers: Workers

  /// Reads the model of a directory in the published layout: `config.json` and the file it names.
  ///
  /// - Parameters:
  ///   - threads: threads that share the arithmetic of one step.
  ///   - bits: 8 or 4 rounds the matrices at load; nil uses them as the file has them. Matrices of a packed file stay
  ///     as they are, and those that other programs quantized have 8 bits unless 4 are asked for.
  ///   - cache: how conversations remember keys and values; in 8 or 4 bits heads are a multiple of 32 wide.
  public static func open(
    _ directory: String, threads: Int = 1, bits: Int? = nil, cache: CacheOptions = CacheOptions()
  ) throws(CheckpointError) -> Dialogue {
    try open(directory, threads: threads, weights: bits.map { .quantized(bits: $0) } ?? .mapped, cache: cache)
  }

  /// The same, with weights in any form.
  package static func open(
    _ directory: String, threads: Int, weights: Checkpoint.Weights, cache: CacheOptions
  ) throws(CheckpointError) -> Dialogue {
    let files = try DialogueFiles(directory)
    var configuration = files.configuration
    try configuration.setCache(cache, file: directory + "/config.json")
    let checkpoint = try Checkpoint.open(files.weights, weights: weights, rename: DialogueFiles.name)
    return try Dialogue(checkpoint, configuration, threads: threads)
  }

  /// What a model reads of its file.
  package static func survey(_ files: DialogueFiles) throws(CheckpointError) -> (Checkpoint, Survey) {
    let survey = Survey()
    let checkpoint = try Checkpoint.open(files.weights, survey: survey, rename: DialogueFiles.name)
    _ = try Dialogue(checkpoint, files.configuration, threads: 1)
    return (checkpoint, survey)
  }

  private init(
    _ checkpoint: Checkpoint, _ configuration: DialogueConfiguration, threads: Int
  ) throws(CheckpointError) {
    let root = checkpoint.scope("")
    let streams = configuration.streams
    let width = configuration.width
    let workers = Workers(threads: threads)
    var plan = MemoryPlan()
    textEmbedding = try TokenEmbedding(
      root["text_emb"], tokens: streams.textCardinality + 1, width: width)
    audioEmbeddings = try (0..<streams.own + streams.user).map { index throws(CheckpointError) in
      try TokenEmbedding(root["emb.\(index)"], tokens: streams.cardinality + 1, width: width)
    }
    conditioners = try configuration.conditions.map { condition throws(CheckpointError) in
      try Conditioner(
        root["condition_provider.conditioners.\(condition.name)"], condition, width: width, workers)
    }
    temporal = try Transformer(root["transformer"], configuration.temporal, state: &plan)
    norm = try Norm(root["out_norm"], configuration.temporal.norm, width: width)
    textHead = try Linear(root["text_linear"], inputs: width, outputs: configuration.textOutputs)
    extraHeads = try (0..<configuration.extraHeads.count).map { index throws(CheckpointError) in
      try Linear(root["extra_heads.\(index)"], inputs: width, outputs: configuration.extraHeads.width)
    }
    depth = try configuration.depth.map { depth throws(CheckpointError) in
      try DepthTransformer(checkpoint, depth, streams, temporalWidth: width)
    }
    bytesPerStep = temporal.bytesPerStep + textHead.matrix.bytes + (depth?.bytesPerStep ?? 0)
    cacheBytesPerFrame = temporal.bytesPerPosition
    regions = DialogueRegions(streams, width: width, in: &plan)
    statePlan = plan
    self.configuration = configuration
    self.streams = streams
    file = checkpoint.file
    self.workers = workers
    path = checkpoint.path
  }

  /// SHA-256 of the weights' file, as hexadecimal; reads all of it. Of a model in shards, that of the index and the shards
  /// one after the other, in the order of the shards' names.
  public var digest: String { file.digest }

  /// Bytes of the weights' file, or of the index and all shards.
  package var fileBytes: Int { file.byteCount }

  /// A conversation that has not begun.
  ///
  /// - Parameters:
  ///   - seed: of the generator that draws tokens.
  ///   - conditions: values by name; those not named take their usual value. An unknown name or value is ignored by
  ///     none: it stops the program, so check against `configuration.conditions`.
  public func makeState(seed: UInt64 = 0, conditions: [String: String] = [:]) -> DialogueState {
    let memory = MemoryBlock(statePlan)
    for (conditioner, condition) in zip(conditioners, configuration.conditions) {
      let isKnown = conditioner.add(
        conditions[conditioner.name] ?? condition.usual, to: memory.view[regions.condition])
      precondition(isKnown, "a condition's value is one of configuration.conditions")
    }
    return DialogueState(
      memory: memory, workspace: DialogueWorkspace(workspacePlan(columns: 1)), steps: 0,
      generator: SeededGenerator(seed: seed), textSampling: configuration.sampling.text,
      audioSampling: configuration.sampling.audio)
  }

  /// Hears one frame and answers with one: the conversation's next 80 ms.
  ///
  /// - Parameters:
  ///   - user: the user's codes of this frame, `streams.user`; `cardinality` is "nothing", negative is silence of mind.
  ///   - own: the model's codes, `streams.own`, all of frame (step - maxDelay); left as they are while not ready.
  public func step(
    _ user: Span<Int32>, into own: inout MutableSpan<Int32>, _ state: inout DialogueState
  ) -> DialogueStep {
    precondition(user.count == streams.user && own.count == streams.own)
    var result = DialogueStep(text: 0, isReady: false, times: (0, 0, 0))
    user.withUnsafeBufferPointer { user in
      own.withUnsafeMutableBufferPointer { own in
        withUnsafeMutablePointer(to: &state) { state in
          // The state's own workspace is not touched by anything else during the step.
          advance(state, count: 1, user.baseAddress, own.baseAddress, &result, state.pointee.workspace)
        }
      }
    }
    return result
  }

  /// Hears frames with the tokens given, not drawn: a prompt, or what was said before. Nothing comes out, and the
  /// generator is not used. Weights are read once for up to `longestBlock` frames, so this is not for the frame path.
  ///
  /// - Parameters:
  ///   - user: the user's codes, [frames][streams.user].
  ///   - text: the text token of each step, [frames].
  ///   - own: the codes of each step, [frames][streams.own]: that of row k belongs to frame (step - delay of k).
  public func prefill(
    user: Span<Int32>, text: Span<Int32>, own: Span<Int32>, _ state: inout DialogueState
  ) {
    let frames = text.count
    precondition(user.count == frames * streams.user && own.count == frames * streams.own)
    guard frames > 0 else { return }
    let longest = min(frames, DialogueConfiguration.longestBlock)
    let workspace = DialogueWorkspace(workspacePlan(columns: longest))
    let (scratch, columns) = (workspace.memory.view, workspace.columns)
    let x = scratch[workspace.plan.x]
    for start in stride(from: 0, to: frames, by: longest) {
      let length = min(longest, frames - start)
      columns.removeAll()
      columns.append(state.memory.view, first: state.steps, length: length)
      for column in 0..<length {
        let frame = start + column
        user.extracting(frame * streams.user..<(frame + 1) * streams.user).withUnsafeBufferPointer {
          if let codes = $0.baseAddress { hear(codes, &state) }
        }
        embed(&state, into: x + column * configuration.width)
        let drawn = sampled(&state)
        drawn[0] = text[frame]
        for row in 0..<streams.own { drawn[1 + row] = own[frame * streams.own + row] }
        state.steps += 1
      }
      temporal.step(x, columns, workspace.plan.transformer, scratch, workers)
    }
  }

  /// Factors that make pairs of keys have equal energies (`CacheOptions.keyFolds`), from what a conversation has heard and
  /// said so far: some minutes of typical speech. The model must remember keys in f32.
  public func keyFolds(_ state: borrowing DialogueState) -> [[Float]] {
    temporal.keyFolds(state.memory.view, positions: Int(clamping: state.steps))
  }

  func workspacePlan(columns: Int) -> DialogueWorkspace.Plan {
    var memory = MemoryPlan()
    let width = configuration.width
    let (x, logits) = (
      memory.reserve(Float.self, columns * width),
      memory.reserve(Float.self, columns * configuration.textOutputs)
    )
    let extra = memory.reserve(Float.self, columns * extraHeads.count * configuration.extraHeads.width)
    let tokens = memory.reserve(Int32.self, columns)
    let transformer = temporal.reserveScratch(columns: columns, in: &memory)
    let depthScratch = depth?.reserveScratch(columns: columns, in: &memory)
    let sampler = Sampler(cardinality: max(configuration.textOutputs, streams.cardinality), scratch: &memory)
    return DialogueWorkspace.Plan(
      memory: memory, columns: columns, x: x, textLogits: logits, extra: extra, tokens: tokens,
      transformer: transformer, depth: depthScratch, sampler: sampler)
  }

  /// One step of `count` conversations at once: every weight is read once for all of them.
  ///
  /// - Parameters:
  ///   - user: [count][streams.user]
  ///   - own: [count][streams.own]
  ///   - results: [count]
  ///   - forced: [count][1 + streams.own]: text and codes that take the place of drawn ones.
  func advance(
    _ states: UnsafeMutablePointer<DialogueState>, count: Int, _ user: UnsafePointer<Int32>?,
    _ own: UnsafeMutablePointer<Int32>?, _ results: UnsafeMutablePointer<DialogueStep>,
    _ workspace: borrowing DialogueWorkspace, forced: UnsafePointer<Int32>? = nil
  ) {
    let (plan, scratch) = (workspace.plan, workspace.memory.view)
    let (width, x) = (configuration.width, scratch[plan.x])
    let columns = workspace.columns
    columns.removeAll()
    for column in 0..<count {
      if let user { hear(user + column * streams.user, &states[column]) }
      embed(&states[column], into: x + column * width)
      columns.append(states[column].memory.view, first: states[column].steps)
    }
    temporal.step(x, columns, plan.transformer, scratch, workers)
    norm(x, into: x, count: count)
    let temporalDone = Self.now()
    let logits = scratch[plan.textLogits]
    textHead(x, into: logits, count: count, workers)
    readExtraHeads(x, count, plan, scratch)
    let tokens = scratch[plan.tokens]
    for column in 0..<count {
      tokens[column] = plan.sampler.draw(
        logits + column * configuration.textOutputs, configuration.textOutputs, states[column].textSampling,
        &states[column].generator, scratch)
      if let forced { tokens[column] = forced[column * (1 + streams.own)] }
      sampled(&states[column])[0] = tokens[column]
    }
    let textDone = Self.now()
    if let depth, let depthScratch = plan.depth {
      depth.step(x, tokens, count: count, workspace.depthColumns, depthScratch, scratch, workers) {
        step, column, logits in
        var token = plan.sampler.draw(
          logits, streams.cardinality, states[column].audioSampling, &states[column].generator, scratch)
        if let forced { token = forced[column * (1 + streams.own) + 1 + step] }
        sampled(&states[column])[1 + step] = token
        return token
      }
    }
    let depthDone = Self.now()
    for column in 0..<count {
      results[column] = DialogueStep(
        text: sampled(&states[column])[0], isReady: states[column].steps >= Int64(streams.maxDelay),
        times: (temporalDone, textDone, depthDone))
      if results[column].isReady, let own { answer(into: own + column * streams.own, &states[column]) }
      states[column].steps += 1
    }
  }

  // The row of tokens drawn in the state's current step.
  private func sampled(_ state: inout DialogueState) -> UnsafeMutablePointer<Int32> {
    state.memory.view[regions.sampled] + Int(state.steps % Int64(streams.maxDelay + 1)) * (1 + streams.own)
  }

  /// The codes drawn in the state's last step, before their delays are undone.
  func drawnCodes(_ state: borrowing DialogueState) -> UnsafeBufferPointer<Int32> {
    let row = Int((state.steps - 1) % Int64(streams.maxDelay + 1)) * (1 + streams.own)
    return UnsafeBufferPointer(start: state.memory.view[regions.sampled] + row + 1, count: streams.own)
  }

  /// The text token of the state's last step.
  func lastText(_ state: borrowing DialogueState) -> Int32 {
    let row = Int((state.steps - 1) % Int64(streams.maxDelay + 1)) * (1 + streams.own)
    return state.memory.view[regions.sampled][row]
  }

  private func hear(_ codes: UnsafePointer<Int32>, _ state: inout DialogueState) {
    let row = Int(state.steps % Int64(streams.maxDelay + 1)) * streams.user
    (state.memory.view[regions.heard] + row).update(from: codes, count: streams.user)
  }

  // Step c reads, in row k of text and own codes, the token drawn in step c - 1; in row k of the user, the code of
  // frame c - delay; and the initial token while c <= delay. Audio rows are summed first, then text, as in the reference.
  private func embed(_ state: inout DialogueState, into x: UnsafeMutablePointer<Float>) {
    let ring = Int64(streams.maxDelay + 1)
    let (step, memory) = (state.steps, state.memory.view)
    let scratch = x  // Tables of the temporal transformer are never low-rank.
    x.update(repeating: 0, count: configuration.width)
    func token(_ row: Int) -> Int32 {
      let delay = Int64(streams.delays[row])
      if step <= delay { return streams.initialToken(row) }
      if row <= streams.own {
        return memory[regions.sampled][Int((step - 1) % ring) * (1 + streams.own) + row]
      }
      return memory[regions.heard][Int((step - delay) % ring) * streams.user + row - 1 - streams.own]
    }
    for row in 1..<streams.rows { audioEmbeddings[row - 1].add(token(row), to: x, scratch: scratch, workers) }
    var text = token(Streams.text)
    // Hibiki may end its text early; its end token then reads as padding.
    if configuration.modelType == .hibiki && text == 2 { text = configuration.textPadding }
    textEmbedding.add(text, to: x, scratch: scratch, workers)
    if !conditioners.isEmpty { Kernels.add(memory[regions.condition], to: x, configuration.width) }
  }

  // All codes of frame (step - maxDelay): row k was drawn `delay` steps later.
  private func answer(into own: UnsafeMutablePointer<Int32>, _ state: inout DialogueState) {
    let frame = state.steps - Int64(streams.maxDelay)
    for row in streams.ownRows {
      let slot = Int((frame + Int64(streams.delays[row])) % Int64(streams.maxDelay + 1))
      own[row - 1] = state.memory.view[regions.sampled][slot * (1 + streams.own) + row]
    }
  }

  private func readExtraHeads(
    _ x: UnsafePointer<Float>, _ count: Int, _ plan: DialogueWorkspace.Plan, _ scratch: MemoryView
  ) {
    let size = configuration.extraHeads.width
    for index in extraHeads.indices {
      let out = scratch[plan.extra] + index * size
      extraHeads[index](x, into: out, yStride: extraHeads.count * size, count: count, workers)
      for column in 0..<count { Kernels.softmax(out + column * extraHeads.count * size, size) }
    }
  }

  // Nanoseconds of CLOCK_MONOTONIC_RAW.
  private static func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC_RAW, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
