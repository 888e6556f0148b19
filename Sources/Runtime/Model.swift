internal import Checkpoint
public import Codec
public import Dialogue

/// A model directory in the published layout: codec, dialogue model and text tokenizer that belong together.
///
/// Read-only and shared: any number of conversations may use one model.
public final class Model: Sendable {
  /// Path of the model directory.
  public let directory: String
  /// Samples to codes and back.
  public let codec: Codec
  /// The dual-stream language model.
  public let dialogue: Dialogue
  /// Text to tokens and back.
  public let tokenizer: TextTokenizer

  /// Reads the files that the directory's `config.json` names.
  ///
  /// - Parameters:
  ///   - directory: of the model.
  ///   - threads: threads that share the arithmetic of one step of the dialogue model, 1 to 1024.
  ///   - bits: 8 or 4 rounds the dialogue model's matrices at load; nil uses them as the file has them.
  ///   - codecWeights: how the codec's weights are held; by default in the smallest form that loses nothing of the file.
  ///   - cache: how conversations remember keys and values.
  /// - Throws: `CheckpointError`, `DialogueError` or `TextTokenizerError`.
  public static func open(
    _ directory: String, threads: Int = 1, bits: Int? = nil, codecWeights: CodecWeights? = nil,
    cache: CacheOptions = CacheOptions()
  ) throws -> Model {
    try Model(directory, threads, bits, codecWeights, cache)
  }

  private init(
    _ directory: String, _ threads: Int, _ bits: Int?, _ codecWeights: CodecWeights?, _ cache: CacheOptions
  ) throws {
    dialogue = try Dialogue.open(directory, threads: threads, bits: bits, cache: cache)
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
  }
}
