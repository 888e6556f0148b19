import ArgumentParser
import AudioIO
import Base

/// The options of an output file.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Replace the output if it exists.")
  var overwrite = false

  /// Throws if `path` exists and may not be replaced, or is one of the files that are read or written beside it.
  func check(_ path: String, besides others: String?...) throws {
    for other in others.compactMap({ $0 }) where path != "-" {
      guard path != other, !FileSystem.areSame(path, other) else {
        throw SoundFileError.outputIsInput(path: path)
      }
    }
    if !overwrite && path != "-" && FileSystem.holdsSomething(path) {
      throw CommandError.outputExists(path: path)
    }
  }
}
