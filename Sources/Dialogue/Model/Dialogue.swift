internal import Base
package import Checkpoint
internal import Kernels
internal import Layers

/// The dual-stream language model (Moshi, 3.4): it hears the user's codes and predicts its own text and codes, a frame
/// at a time. It sees codes, never samples.
///
/// A step is `Listener` -> `Backbone` -> `Speaker`, in `Steps/Dialogue+Steps.swift`.
public final class Dialogue: Sendable {
  /// Sizes, tokens and conditions, from `config.json`.
  public let configuration: DialogueConfiguration
  /// Rows, delays and initial tokens: those of `configuration`.
  public let streams: Streams
  /// Path of the weights.
  public let path: String
  private let file: WeightFiles
  let ring: TokenRing
  let listener: Listener
  let backbone: Backbone
  let speaker: Speaker
  let drafter: FrameDrafter?
  /// Bytes of weights that one step reads. Computed once, because every frame of a log needs it.
  public let bytesPerStep: Int
  /// Bytes of keys and values that one more frame adds, until the window is full.
  public let cacheBytesPerFrame: Int
  private let statePlan: MemoryPlan
  let workers: Workers

  /// Reads the model of a directory in the published layout: `config.json` and the file it names.
  ///
  /// - Parameters:
  ///   - directory: its path.
  ///   - threads: threads that share the arithmetic of one step, 1 to 1024.
  ///   - bits: 8 or 4 rounds the matrices at load; nil uses them as they are in the file. Matrices of a packed file
  ///     stay as they are, and those that other programs quantized have 8 bits unless `bits` is 4.
  ///   - cache: how conversations remember keys and values; 8 or 4 bits require heads whose width is a multiple of 32.
  ///   - isDrafting: whether the drafter that config.json names is also read, so that conversations may run ahead of
  ///     the backbone (`Prediction`).
  /// - Throws: `CheckpointError` if a file is wrong, `DialogueError` if an argument is.
  public static func open(
    _ directory: String, threads: Int = 1, bits: Int? = nil, cache: CacheOptions = CacheOptions(),
    isDrafting: Bool = false
  ) throws -> Dialogue {
    if let bits, bits != 8 && bits != 4 {
      throw DialogueError.badArgument(name: "bits", expected: "8 or 4", found: "\(bits)")
    }
    return try open(
      directory, threads: threads, weights: bits.map { .quantized(bits: $0) } ?? .mapped, cache: cache,
      isDrafting: isDrafting)
  }

  /// The same, with weights in any form.
  package static func open(
    _ directory: String, threads: Int, weights: Checkpoint.Weights, cache: CacheOptions,
    isDrafting: Bool = false
  ) throws -> Dialogue {
    try DialogueError.check("threads", threads, 1...1024)
    let files = try DialogueFiles(directory)
    var configuration = files.configuration
    try cache.check(for: configuration.backbone)
    try configuration.setCache(cache, file: directory + "/config.json")
    let checkpoint = try Checkpoint.open(files.weights, weights: weights, rename: DialogueFiles.name)
    var drafter: Checkpoint?
    if isDrafting {
      guard let draft = configuration.draft else { throw DialogueError.noDrafter(model: directory) }
      drafter = try Checkpoint.open(files.directory + "/" + draft.file, weights: weights)
    }
    return try Dialogue(checkpoint, configuration, threads: threads, drafter: drafter)
  }

  /// Modules of the drafter that a directory's `config.json` names; 0 where it names none, or it is not there.
  ///
  /// - Throws: `CheckpointError` if the file is wrong.
  package static func modulesOfDrafter(_ directory: String) throws(CheckpointError) -> Int {
    let files = try DialogueFiles(directory)
    guard let draft = files.configuration.draft else { return 0 }
    return Safetensors.isThere(files.directory + "/" + draft.file) ? draft.modules : 0
  }

  /// What a model reads from its file.
  package static func survey(_ files: DialogueFiles) throws(CheckpointError) -> (Checkpoint, Survey) {
    let survey = Survey()
    let checkpoint = try Checkpoint.open(files.weights, survey: survey, rename: DialogueFiles.name)
    _ = try Dialogue(checkpoint, files.configuration, threads: 1)
    return (checkpoint, survey)
  }

  private init(
    _ checkpoint: Checkpoint, _ configuration: DialogueConfiguration, threads: Int, drafter: Checkpoint? = nil
  ) throws(CheckpointError) {
    let root = checkpoint.scope("")
    var plan = MemoryPlan()
    workers = Workers(threads: threads)
    backbone = try Backbone(root, configuration.backbone, state: &plan)
    ring = TokenRing(configuration.streams, block: DialogueConfiguration.longestBlock, in: &plan)
    listener = try Listener(root, configuration, ring, workers, state: &plan)
    speaker = try Speaker(root, configuration, ring)
    if let drafter, let draft = configuration.draft {
      self.drafter = try FrameDrafter(
        drafter.scope(""), of: root, draft, configuration.backbone, ring, listener, state: &plan)
    } else {
      self.drafter = nil
    }
    bytesPerStep = backbone.bytesPerPass + speaker.bytesPerStep
    cacheBytesPerFrame = backbone.bytesPerPosition
    statePlan = plan
    self.configuration = configuration
    streams = configuration.streams
    file = checkpoint.file
    path = checkpoint.path
  }

  /// SHA-256 of the weights' file, in hexadecimal; reads all of it.
  ///
  /// For a model in shards, that of the index and then the shards, concatenated in the order of the shards' names.
  public var digest: String { file.digest }

  /// Bytes of the weights' file, or of the index and all shards.
  package var fileBytes: Int { file.byteCount }

  /// A conversation before its first step, with the default value of every condition.
  ///
  /// - Parameter seed: of the generator that draws tokens.
  public func makeState(seed: UInt64 = 0) -> DialogueState { newState(seed, [:]) }

  /// A conversation before its first step.
  ///
  /// - Parameters:
  ///   - seed: of the generator that draws tokens.
  ///   - conditions: values by name, as `configuration.conditions` lists them; the others take their default.
  /// - Throws: if a name or a value is unknown.
  public func makeState(
    seed: UInt64 = 0, conditions: [String: String]
  ) throws(DialogueError) -> DialogueState {
    try listener.check(conditions)
    return newState(seed, conditions)
  }

  private func newState(_ seed: UInt64, _ conditions: [String: String]) -> DialogueState {
    let memory = MemoryBlock(statePlan)
    listener.begin(memory.view, conditions)
    return DialogueState(
      dialogue: self, memory: memory, steps: 0, generator: SeededGenerator(seed: seed),
      textSampling: configuration.sampling.text, audioSampling: configuration.sampling.audio)
  }

  /// Factors that make pairs of keys have equal energies (`CacheOptions.keyFolds`), from what a conversation has heard
  /// and said so far: some minutes of typical speech.
  ///
  /// - Throws: if the model does not store keys in f32, or another model made the state.
  public func keyFolds(_ state: borrowing DialogueState) throws(DialogueError) -> [[Float]] {
    guard state.dialogue === self else { throw .anotherModel }
    let cache = configuration.backbone.cache
    for layer in 0..<configuration.backbone.layers where cache.format(ofLayer: layer) != .f32 {
      throw .badArgument(
        name: "cache", expected: "f32 in every layer", found: cache.format(ofLayer: layer).rawValue)
    }
    return backbone.keyFolds(state.memory.view, positions: Int(clamping: state.steps))
  }

  /// Columns that the drafter can draft ahead; 0 where there is none.
  public var draftedColumns: Int { drafter?.reach ?? 0 }

  /// - Parameter lanes: most lanes of a pass; where nothing is said, as many as the drafter lets states fall behind.
  func scratchPlan(states: Int, lanes: Int? = nil) -> DialogueScratch.Plan {
    var memory = MemoryPlan()
    let lanes = lanes ?? states * (1 + draftedColumns)
    let backbone = backbone.reserveScratch(lanes: lanes, in: &memory)
    let speaker = speaker.reserveScratch(lanes: states, in: &memory)
    let newest = memory.reserve(Float.self, lanes > states ? states * configuration.width : 0)
    let active = memory.reserve(Int.self, states)
    let drafter = drafter?.reserveScratch(lanes: lanes, states: states, self.speaker, in: &memory)
    return DialogueScratch.Plan(
      memory: memory, states: states, lanes: lanes, backbone: backbone, speaker: speaker, newest: newest,
      active: active, drafter: drafter)
  }
}
