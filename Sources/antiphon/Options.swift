import ArgumentParser
import Checkpoint
import Codec
import Runtime

/// Which codec.
struct CodecOptions: ParsableArguments {
  @Option(help: ArgumentHelp("A codec as a safetensors file in Mimi's layout.", valueName: "file"))
  var codec: String?

  @Option(
    help: ArgumentHelp(
      "A model directory in the published layout; its codec is used.", valueName: "directory"))
  var model: String?

  @Option(help: "Threads that share the work of one frame.")
  var threads = 1

  func validate() throws {
    if codec != nil && model != nil { throw ValidationError("Name a codec or a model, not both.") }
    try Threads.validate(threads)
  }

  /// Opens the codec that was named, or the one that ships with the program.
  func open(codebooks: Int? = nil) throws -> Codec {
    let path: String
    if let codec {
      path = codec
    } else if let model {
      path = try ModelFiles(model).codec
    } else {
      guard let model = Assets.defaultModel() else { throw CommandError.noDefaultModel }
      if !model.isTrained { Terminal.remark(CodecOptions.untrained) }
      path = try ModelFiles(model.directory).codec
    }
    return try Codec.open(path, codebooks: codebooks, threads: threads)
  }

  /// What is said before noise is made.
  static let untrained =
    "note: no trained model ships with this version; the tiny test model is used, and its sound is noise."
}

enum Threads {
  static func validate(_ count: Int) throws {
    guard (1...256).contains(count) else { throw ValidationError("--threads takes a number from 1 to 256.") }
  }
}

/// A file that is made.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Replace the output if it is there already.")
  var overwrite = false

  /// Fails when `path` is there and may not be replaced.
  func check(_ path: String) throws {
    if !overwrite && path != "-" && Files.exists(path) { throw CommandError.outputExists(path: path) }
  }
}
