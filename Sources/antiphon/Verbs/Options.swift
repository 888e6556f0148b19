import ArgumentParser
import AudioIO
import Base
import Checkpoint
import Codec
import Dialogue
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

  /// Opens the codec that was named, or the one that ships with the program.
  func open(codebooks: Int? = nil) throws -> Codec { try open(codebooks: codebooks, weights: weights) }

  /// The same codec with its weights in another form than the options name.
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

/// The options that choose a model.
struct ModelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A model directory in the published layout; the default is the one that ships with this program.",
      valueName: "directory"))
  var model: String?

  @Option(help: "Threads that share the work of one frame; the default is one per processor, up to 8.")
  var threads = Threads.usual

  @Option(
    help: ArgumentHelp(
      "How keys and values are stored: f32, f16, q8 or q4. Fewer bits make long conversations faster.",
      valueName: "form"))
  var kv = CacheFormOption.f32

  func validate() throws { try Threads.validate(threads) }

  /// The directory that was named, or the one that ships with the program.
  static func directory(_ named: String?) throws -> String {
    if let named {
      guard FileSystem.exists(named) else { throw CheckpointError.notFound(file: named) }
      guard FileSystem.isDirectory(named) else { throw CheckpointError.notDirectory(file: named) }
      return named
    }
    guard let usual = Assets.defaultModel() else { throw CommandError.noDefaultModel }
    if !usual.isTrained { Terminal.remark(untrained) }
    return usual.directory
  }

  static func codec(in directory: String) throws -> String {
    directory + "/" + (try DialogueConfiguration(directory: directory).files.codec)
  }

  /// The remark that is printed before an untrained model is used.
  static let untrained =
    "note: no trained model ships with this version; the tiny test model is used, and its output is noise."
}

/// The forms of `CodecWeights` as words.
enum CodecFormOption: String, CaseIterable, ExpressibleByArgument {
  case f32, f16

  var weights: CodecWeights { CodecWeights(rawValue: rawValue) ?? .f32 }
}

/// The forms of `CacheOptions.Format` as words.
enum CacheFormOption: String, CaseIterable, ExpressibleByArgument {
  case f32, f16, q8, q4

  var form: CacheOptions.Format { CacheOptions.Format(rawValue: rawValue) ?? .f32 }

  var options: CacheOptions { CacheOptions(form) }
}

enum Threads {
  static var usual: Int { min(max(Host.processors, 1), 8) }

  static func validate(_ count: Int) throws {
    guard (1...256).contains(count) else { throw ValidationError("--threads takes a number from 1 to 256.") }
  }
}

/// The options that choose what is heard of a recording.
struct SoundOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Use only this channel of the recording, from 1; by default channels are mixed.", valueName: "number"))
  var channel: Int?

  func validate() throws {
    if let channel, channel < 1 { throw ValidationError("--channel takes a number from 1.") }
  }

  func open(_ path: String, sampleRate: Int) throws(SoundFileError) -> SoundFileReader {
    try SoundFileReader.open(path, sampleRate: sampleRate, channel: channel)
  }
}

/// The options of a file that is written.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Replace the output if it exists.")
  var overwrite = false

  /// Throws if `path` exists and may not be replaced.
  func check(_ path: String) throws {
    if !overwrite && path != "-" && FileSystem.holdsSomething(path) {
      throw CommandError.outputExists(path: path)
    }
  }
}
