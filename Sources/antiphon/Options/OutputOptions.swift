import ArgumentParser
import Base

/// The options of an output file.
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
