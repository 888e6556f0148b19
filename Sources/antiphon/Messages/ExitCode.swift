import Glibc

/// What the process says when it ends. `docs/Errors.md` lists these numbers; a test compares.
enum ExitCode: Int32, CaseIterable {
  case done = 0
  /// A check that was asked for found a difference.
  case checkFailed = 1
  case usage = 64
  /// The content of an input is wrong.
  case badData = 65
  /// An input is missing or cannot be opened.
  case noInput = 66
  /// Our own mistake.
  case software = 70
  /// An output cannot be made, or is there already.
  case cannotCreate = 73
  /// Writing stopped in the middle.
  case writeFailed = 74
  case hungUp = 129
  case interrupted = 130
  /// Nobody reads standard output any more.
  case readerGone = 141
  case terminated = 143

  /// Of a run that a signal ended.
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
    case .usage: "the command line is not one: a wrong verb, option or value"
    case .badData: "the content of an input is wrong: a sound file, a model, a codes file, a log"
    case .noInput: "an input is missing or may not be read"
    case .software: "a mistake of this program: please report it"
    case .cannotCreate: "an output cannot be made, or is there already"
    case .writeFailed: "writing stopped in the middle: mostly a full disk"
    case .hungUp:
      "stopped by SIGHUP, as a terminal that is closed sends it: what was made so far is a valid file"
    case .interrupted: "stopped by Ctrl-C (SIGINT): what was made so far is a valid file"
    case .readerGone:
      "whoever read the output went away (SIGPIPE): everything else that was asked for is written"
    case .terminated: "stopped by SIGTERM: what was made so far is a valid file"
    }
  }
}
