internal import Checkpoint
internal import Kernels
internal import Layers

/// The beginning of a step: adds up the vectors of all tokens that the model reads.
struct Listener: Sendable {
  private let streams: Streams
  private let ring: TokenRing
  private let textEmbedding: TokenEmbedding
  private let audioEmbeddings: [TokenEmbedding]
  private let conditioners: [Conditioner]
  private let condition: Region<Float>  // [width]
  private let textEnd: Int32?
  private let textPadding: Int32
  private let width: Int

  /// - Parameters:
  ///   - root: where `text_emb`, `emb.0`, ... are.
  ///   - state: the plan of a state's memory.
  init(
    _ root: Scope, _ configuration: DialogueConfiguration, _ ring: TokenRing, _ workers: Workers,
    state: inout MemoryPlan
  ) throws(CheckpointError) {
    let (streams, width) = (configuration.streams, configuration.width)
    self.streams = streams
    self.ring = ring
    self.width = width
    textEmbedding = try TokenEmbedding(root["text_emb"], tokens: streams.textCardinality + 1, width: width)
    audioEmbeddings = try (0..<streams.own + streams.user).map { index throws(CheckpointError) in
      try TokenEmbedding(root["emb.\(index)"], tokens: streams.cardinality + 1, width: width)
    }
    conditioners = try configuration.conditions.map { condition throws(CheckpointError) in
      try Conditioner(
        root["condition_provider.conditioners.\(condition.name)"], condition, width: width, workers)
    }
    condition = state.reserve(Float.self, width)
    textEnd = configuration.family.textEnd
    textPadding = configuration.textPadding
  }

  /// Throws if a condition or its value is unknown.
  func check(_ values: [String: String]) throws(DialogueError) {
    for (name, value) in values.sorted(by: { $0.key < $1.key }) {
      guard let conditioner = conditioners.first(where: { $0.name == name }) else {
        throw .unknownCondition(name: name, known: conditioners.map(\.name))
      }
      guard conditioner.values.contains(value) else {
        throw .unknownValue(condition: name, value: value, known: conditioner.values)
      }
    }
  }

  /// Prepares a new state.
  ///
  /// - Parameter values: values of conditions, by name; the others take their default.
  func begin(_ memory: MemoryView, _ values: [String: String]) {
    for conditioner in conditioners {
      conditioner.add(values[conditioner.name] ?? conditioner.usual, to: memory[condition])
    }
  }

  /// Adds up the vectors of one step's own tokens: what the step after it reads of them.
  ///
  /// - Parameter x: [width], which is written here.
  func embedColumn(
    of step: Int64, _ memory: MemoryView, into x: UnsafeMutablePointer<Float>, _ workers: Workers
  ) {
    x.update(repeating: 0, count: width)
    for row in streams.ownRows {
      let token = ring.input(row: row, at: step + 1, memory)
      audioEmbeddings[row - 1].add(token, to: x, scratch: x, workers)
    }
    let text = ring.input(row: Streams.text, at: step + 1, memory)
    textEmbedding.add(text == textEnd ? textPadding : text, to: x, scratch: x, workers)
  }

  /// Adds up what the model reads in a step: what the ring has of both sides.
  ///
  /// - Parameter x: the lane's input, [width], which is written here.
  func listen(
    at step: Int64, _ memory: MemoryView, into x: UnsafeMutablePointer<Float>, _ workers: Workers
  ) {
    let scratch = x  // The backbone's tables are never low-rank, so nothing is written there.
    x.update(repeating: 0, count: width)
    // Audio rows are summed first, then text, as in the reference.
    for row in 1..<streams.rows {
      let token = ring.input(row: row, at: step, memory)
      audioEmbeddings[row - 1].add(token, to: x, scratch: scratch, workers)
    }
    var text = ring.input(row: Streams.text, at: step, memory)
    if text == textEnd { text = textPadding }
    textEmbedding.add(text, to: x, scratch: scratch, workers)
    if !conditioners.isEmpty { Kernels.add(memory[condition], to: x, width) }
  }
}
