import Glibc

/// The exit codes of the process. `docs/Errors.md` lists them, and a test compares.
enum ExitCode: Int32, CaseIterable {
  case done = 0
  /// A check that was asked for found a difference.
  case checkFailed = 1
  case usage = 64
  /// The content of an input is wrong.
  case badData = 65
  /// An input is missing or cannot be opened.
  case noInput = 66
  /// A fault of this program.
  case software = 70
  /// An output cannot be created, or already exists.
  case cannotCreate = 73
  /// Writing stopped in the middle.
  case writeFailed = 74
  case hungUp = 129
  case interrupted = 130
  /// The reader of standard output closed it.
  case readerGone = 141
  case terminated = 143

  /// The exit code of a run that a signal ended.
  init(signal: Int32) {
    self =
      switch signal {
      case SIGHUP: .hungUp
      case SIGTERM: .terminated
      default: .interrupted
      }
  }

  /// The row of `docs/Errors.md`.
  var meaning: String {
    switch self {
    case .done: "it worked"
    case .checkFailed: "a check that was asked for found a difference"
    case .usage: "the command line is wrong: an unknown verb, option or value"
    case .badData: "the content of an input is wrong: a sound file, a model, a codes file, a log"
    case .noInput: "an input is missing or may not be read"
    case .software: "a fault of this program: please report it"
    case .cannotCreate: "an output cannot be made, or is there already"
    case .writeFailed: "writing stopped in the middle, usually because the disk is full"
    case .hungUp:
      "stopped by SIGHUP, which a terminal sends when it is closed: what was made so far is a valid file"
    case .interrupted: "stopped by Ctrl-C (SIGINT): what was made so far is a valid file"
    case .readerGone:
      "the reader of the output went away (SIGPIPE): everything else that was asked for is written"
    case .terminated: "stopped by SIGTERM: what was made so far is a valid file"
    }
  }
}
