import ArgumentParser
import Base
import Checkpoint
import Dialogue
import Runtime

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

  /// The named directory, or the one that ships with the program.
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

  /// Printed before an untrained model is used.
  static let untrained =
    "note: no trained model ships with this version; the tiny test model is used, and its output is noise."
}

/// The forms of `CacheOptions.Format` on the command line.
enum CacheFormOption: String, CaseIterable, ExpressibleByArgument {
  case f32, f16, q8, q4

  var form: CacheOptions.Format { CacheOptions.Format(rawValue: rawValue) ?? .f32 }

  var options: CacheOptions { CacheOptions(form) }
}
