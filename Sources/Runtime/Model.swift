internal import Checkpoint
public import Codec
public import Dialogue

/// A model directory in the published layout: codec, dialogue model and text tokenizer that belong together.
///
/// Read-only and shared: any number of conversations may use one model.
public final class Model: Sendable {
  public let directory: String
  public let codec: Codec
  public let dialogue: Dialogue
  public let tokenizer: TextTokenizer

  /// Reads the files that the directory's `config.json` names.
  ///
  /// - Parameters:
  ///   - threads: threads that share the arithmetic of one step of the dialogue model.
  ///   - cache: how conversations remember keys and values.
  /// - Throws: `CheckpointError` or `TextTokenizerError`.
  public static func open(
    _ directory: String, threads: Int = 1, cache: CacheOptions = CacheOptions()
  ) throws -> Model {
    try Model(directory, threads: threads, cache: cache)
  }

  private init(_ directory: String, threads: Int, cache: CacheOptions) throws {
    dialogue = try Dialogue.open(directory, threads: threads, cache: cache)
    let (streams, files) = (dialogue.streams, dialogue.configuration.files)
    let path = directory + "/" + files.codec
    codec = try Codec.open(path, codebooks: max(streams.user, streams.own))
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
