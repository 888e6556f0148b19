import Foundation
import TestSupport
import Testing

extension Program {
  /// A command line of bash, in which `$antiphon` is the program: for pipes, limits and descriptors.
  static func shell(_ command: String, directory: TemporaryDirectory, _ environment: [String: String] = [:])
    throws
    -> Result
  {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/bash")
    // Without job control, so that nothing but the command speaks.
    process.arguments = ["-c", command]
    process.currentDirectoryURL = URL(filePath: directory.path)
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }.merging(
      [
        "antiphon": path, "codec": Golden.path("tiny-codec/model.safetensors"),
        "model": Golden.path("tiny-model"),
      ]
    ) { $1 }
    let files = try TemporaryDirectory()
    var handles: [FileHandle] = []
    for name in ["output", "errors"] {
      try Data().write(to: URL(filePath: files.file(name)))
      handles.append(try FileHandle(forUpdating: URL(filePath: files.file(name))))
    }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = handles[0]
    process.standardError = handles[1]
    try process.run()
    process.waitUntilExit()
    return Result(
      output: try Data(contentsOf: URL(filePath: files.file("output"))),
      errors: try String(contentsOfFile: files.file("errors"), encoding: .utf8),
      code: process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus)
  }

  /// A directory with the tiny model's reply to a question, in.wav.
  static func directoryWithSound() throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    let made = try run(
      "respond", Golden.root + "/Assets/audio/questions/i-am-hungry.flac", directory.file("in.wav"),
      "--model", Golden.path("tiny-model"))
    try #require(made.code == 0, "\(made.errors)")
    return directory
  }
}
