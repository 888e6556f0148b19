import ArgumentParser
import Codec
import Runtime

/// The options that choose a codec.
struct CodecOptions: ParsableArguments {
  @Option(help: ArgumentHelp("A codec as a safetensors file in Mimi's layout.", valueName: "file"))
  var codec: String?

  @Option(
    help: ArgumentHelp(
      "A model directory in the published layout; its codec is used.", valueName: "directory"))
  var model: String?

  @Option(help: "Threads that share the work of one frame.")
  var threads = 1

  @Option(
    help:
      """
      Form of the codec's weights in memory: f32, or f16, which is faster and changes a few codes in a thousand where the \
      file has more bits; without it f16 where that loses nothing.
      """
  )
  var weights: CodecFormOption?

  func validate() throws {
    if codec != nil && model != nil { throw ValidationError("Name a codec or a model, not both.") }
    try Threads.validate(threads)
  }

  /// Opens the named codec, or the one that ships with the program.
  func open(codebooks: Int? = nil) throws -> Codec { try open(codebooks: codebooks, weights: weights) }

  /// The same codec with its weights in a form other than the one in the options.
  func open(codebooks: Int?, weights: CodecFormOption?) throws -> Codec {
    try Codec.open(path(), codebooks: codebooks, threads: threads, weights: weights?.weights)
  }

  private func path() throws -> String {
    if let codec { return codec }
    if let model { return try ModelOptions.codec(in: ModelOptions.directory(model)) }
    guard let usual = Assets.defaultCodec() else { throw CommandError.noDefaultModel }
    if !usual.isTrained { Terminal.remark(ModelOptions.untrained) }
    return usual.path
  }
}

/// The forms of `CodecWeights` on the command line.
enum CodecFormOption: String, CaseIterable, ExpressibleByArgument {
  case f32, f16

  var weights: CodecWeights { CodecWeights(rawValue: rawValue) ?? .f32 }
}
