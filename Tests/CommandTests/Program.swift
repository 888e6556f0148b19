import Foundation
import Glibc
import TestSupport

/// The built program, run as a person runs it.
struct Program {
  struct Result {
    let output: Data
    let errors: String
    let code: Int32

    var text: String { String(decoding: output, as: UTF8.self) }
    /// The first line of an error, without the program's name.
    var sentence: String {
      let line = errors.split(separator: "\n").first { $0.hasPrefix("antiphon: ") } ?? ""
      return String(line.dropFirst("antiphon: ".count))
    }
  }

  /// The build directory's program, beside the tests themselves.
  static let path: String = {
    let tests = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    let beside = tests.appending(path: "antiphon").path
    return FileManager.default.isExecutableFile(atPath: beside)
      ? beside : Golden.root + "/.build/debug/antiphon"
  }()

  static func run(_ arguments: String..., directory: String? = nil, input: Data? = nil) throws -> Result {
    try start(arguments, directory: directory, input: input).wait()
  }

  /// A program that runs while the test goes on.
  struct Running {
    let process: Process
    private let output: FileHandle
    private let errors: FileHandle
    private let files: TemporaryDirectory

    init(_ arguments: [String], directory: String?, input: Data?, isEndless: Bool) throws {
      files = try TemporaryDirectory()
      process = Process()
      process.executableURL = URL(filePath: Program.path)
      process.arguments = arguments
      if let directory { process.currentDirectoryURL = URL(filePath: directory) }
      // Files, not pipes: nobody has to read them while the program runs.
      for name in ["input", "output", "errors"] {
        try (name == "input" ? input ?? Data() : Data()).write(to: URL(filePath: files.file(name)))
      }
      if isEndless {
        // A pipe: libsndfile takes a character device for an empty file.
        let pipe = Pipe()
        let feeder = Process()
        feeder.executableURL = URL(filePath: "/bin/cat")
        feeder.arguments = ["/dev/zero"]
        feeder.standardOutput = pipe
        feeder.standardError = FileHandle.nullDevice
        try feeder.run()
        process.standardInput = pipe
      } else {
        process.standardInput = try FileHandle(forReadingFrom: URL(filePath: files.file("input")))
      }
      output = try FileHandle(forUpdating: URL(filePath: files.file("output")))
      errors = try FileHandle(forUpdating: URL(filePath: files.file("errors")))
      process.standardOutput = output
      process.standardError = errors
      try process.run()
    }

    /// Sends a signal when a file that the program makes has grown to so many bytes. Waits on its own thread: a task
    /// that sleeps may wake only when the program has ended, where other tests keep all threads busy.
    func interrupt(_ signal: Int32, once path: String, reaches size: Int) {
      while process.isRunning {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        if attributes?[.size] as? Int ?? 0 >= size { break }
        usleep(5000)
      }
      kill(process.processIdentifier, signal)
    }

    func wait() throws -> Result {
      process.waitUntilExit()
      let code =
        process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
      try output.seek(toOffset: 0)
      try errors.seek(toOffset: 0)
      return Result(
        output: try output.readToEnd() ?? Data(),
        errors: String(decoding: try errors.readToEnd() ?? Data(), as: UTF8.self), code: code)
    }
  }

  /// - Parameter isEndless: standard input is silence that never ends, so the program is met in the middle however fast it is.
  static func start(
    _ arguments: [String], directory: String? = nil, input: Data? = nil, isEndless: Bool = false
  ) throws -> Running {
    try Running(arguments, directory: directory, input: input, isEndless: isEndless)
  }
}
