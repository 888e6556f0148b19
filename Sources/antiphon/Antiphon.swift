import ArgumentParser
import Base
import Glibc
import Kernels

@main
struct Antiphon: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "antiphon",
    abstract: "A full-duplex speech runtime: it listens and speaks at the same time.",
    discussion: "docs/Errors.md lists every error and exit code.",
    version: version,
    subcommands: [
      Talk.self, Respond.self, Encode.self, Decode.self, Devices.self, LatencyCommand.self, Inspect.self,
      Bench.self,
      Convert.self, Compare.self, Doctor.self, Report.self, TraceCommand.self,
    ])

  static let version = "0.2.0-dev"

  static func main() {
    Terminal.prepare()
    do {
      do {
        var command = try parseAsRoot(arguments())
        if let missing = Kernels.missing {
          throw CommandError.noInstructionSet(missing, available: Kernels.names)
        }
        try command.run()
      } catch  where Message(error) == nil && exitCode(for: error).isSuccess {
        // Help and the version arrive as errors, and the parser would print them without checking for failed writes.
        let text = fullMessage(for: error)
        if !text.isEmpty { Terminal.print(text) }
      }
      try Terminal.finish()
      if RealtimeThread.hasAbandoned { end(.done) }
    } catch {
      guard let message = Message(error) else {
        // The parser's own printing would not show the bytes of a name.
        let text = fullMessage(for: error)
        if !text.isEmpty { Terminal.error(text + "\n") }
        Glibc.exit(exitCode(for: error).rawValue)
      }
      // If the reader has seen enough, the program ends silently.
      if error as? CommandError != .standardOutput(code: EPIPE) { Terminal.error(message.text) }
      end(message.exit)
    }
  }

  /// The words after the program's name. Swift's own list of them replaces the bytes that are not UTF-8, and a file may
  /// have such a name.
  private static func arguments() -> [String] {
    (1..<max(Int(CommandLine.argc), 1)).compactMap { index in
      CommandLine.unsafeArgv[index].map { FileSystem.path(from: $0) }
    }
  }

  /// A thread that hangs in a device may hold locks that a library's exit handlers need.
  private static func end(_ code: ExitCode) -> Never {
    guard RealtimeThread.hasAbandoned else { Glibc.exit(code.rawValue) }
    fflush(nil)
    _exit(code.rawValue)
  }
}
