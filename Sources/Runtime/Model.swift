internal import Checkpoint
public import Codec
public import Dialogue

/// A model directory in the published layout, with a matching codec, dialogue model and text tokenizer.
///
/// Read-only and shared: any number of conversations may use one model.
public final class Model: Sendable {
  /// Path of the directory, as it was passed.
  public let directory: String
  /// Turns sound into codes and back, at 12.5 frames per second.
  public let codec: Codec
  /// Hears the person's codes and predicts its own.
  public let dialogue: Dialogue
  /// Turns text tokens into words.
  public let tokenizer: TextTokenizer

  /// Reads the files that the directory's `config.json` names.
  ///
  /// - Parameters:
  ///   - directory: its path.
  ///   - threads: threads that share the arithmetic of one step of the dialogue model, 1 to 1024.
  ///   - bits: 8 or 4 rounds the dialogue model's matrices at load; nil uses them as they are in the file.
  ///   - codecWeights: how the codec's weights are held; nil takes the smallest form that loses nothing of the file.
  ///   - cache: how conversations remember keys and values.
  ///   - isDrafting: whether the dialogue model's drafter is also read, so that conversations may run ahead of the
  ///     backbone.
  /// - Throws: `CheckpointError` or `TextTokenizerError` if a file is wrong or the files do not match each other,
  ///   `DialogueError` if an argument is wrong.
  public static func open(
    _ directory: String, threads: Int = 1, bits: Int? = nil, codecWeights: CodecWeights? = nil,
    cache: CacheOptions = CacheOptions(), isDrafting: Bool = false
  ) throws -> Model {
    try Model(
      directory, threads: threads, bits: bits, codecWeights: codecWeights, cache: cache,
      isDrafting: isDrafting)
  }

  private init(
    _ directory: String, threads: Int, bits: Int?, codecWeights: CodecWeights?, cache: CacheOptions,
    isDrafting: Bool
  ) throws {
    dialogue = try Dialogue.open(
      directory, threads: threads, bits: bits, cache: cache, isDrafting: isDrafting)
    let (streams, files) = (dialogue.streams, dialogue.configuration.files)
    let path = directory + "/" + files.codec
    codec = try Codec.open(path, codebooks: max(streams.user, streams.own), weights: codecWeights)
    tokenizer = try TextTokenizer.open(
      directory + "/" + files.tokenizer, expectedCount: dialogue.configuration.textOutputs)
    self.directory = directory
    let format = codec.configuration
    guard format.codebooks >= max(streams.user, streams.own) else {
      throw CheckpointError.badField(
        file: path, field: "codebooks", expected: "at least \(max(streams.user, streams.own))",
        found: "\(format.codebooks)")
    }
    guard format.cardinality == streams.cardinality else {
      throw CheckpointError.badField(
        file: path, field: "entries of a codebook", expected: "\(streams.cardinality)",
        found: "\(format.cardinality)")
    }
    // A step is 80 ms, whatever the samples per second.
    guard format.sampleRate * 2 == format.samplesPerFrame * 25 else {
      throw CheckpointError.badField(
        file: path, field: "frames per second", expected: "12.5", found: "\(codec.frameRate)")
    }
  }

  /// The dialogue model's state before its first step.
  func makeState(seed: UInt64, isGreedy: Bool) -> DialogueState {
    var state = dialogue.makeState(seed: seed)
    if isGreedy {
      state.textSampling = .greedy
      state.audioSampling = .greedy
    }
    return state
  }
}
