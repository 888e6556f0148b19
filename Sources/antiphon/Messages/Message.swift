import AudioIO
import Base
import Checkpoint
import Dialogue
import Glibc
import Latency
import Runtime

/// An error in words: what happened, what to do about it, and the exit code. No other place turns errors into words.
struct Message: Equatable {
  /// One sentence.
  let sentence: String
  /// One thing to try.
  let remedy: String
  let exit: ExitCode

  init(_ sentence: String, _ remedy: String, _ exit: ExitCode) {
    self.sentence = Self.printable(sentence)
    self.remedy = Self.printable(remedy)
    self.exit = exit
  }

  /// A file name may hold any characters, even escape sequences that move a terminal's cursor.
  private static func printable(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) }) else {
      return text
    }
    var result = ""
    for scalar in text.unicodeScalars {
      result.unicodeScalars.append(
        scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) ? "\u{FFFD}" : scalar)
    }
    return result
  }

  /// How to find out why a file cannot be read.
  static func whoMayRead(_ path: String) -> String {
    path == "-"
      ? "Check what standard input is connected to." : "See who may: ls -l \(ShellWord.quoted(path))"
  }

  /// The message for an error number of a write to `path`.
  init(writing path: String, code: Int32, _ remedy: String) {
    if code == EPIPE {
      self.init(
        "The reader of \(path == "-" ? "standard output" : "'\(path)'") went away.",
        "What it had read is correct; name a file to keep all of it.", .readerGone)
    } else {
      self.init(
        "\(Self.name(path, "Standard output")) cannot be written: \(Self.reason(code)).", remedy,
        Self.exit(writing: code))
    }
  }

  /// Nil for an error of the command line, for which the argument parser has a message.
  init?(_ error: any Error) {
    switch error {
    case let error as FileError: self.init(error)
    case let error as SoundFileError: self.init(error)
    case let error as LatencyReportError: self.init(error)
    case let error as AudioDeviceError: self.init(error)
    case let error as CheckpointError: self.init(error)
    case let error as TextTokenizerError: self.init(error)
    case let error as DialogueError: self.init(error)
    case let error as CommandError: self.init(error)
    default: return nil
    }
  }

  /// Both lines, as they are printed.
  var text: String { "antiphon: \(sentence)\n          \(remedy)\n" }

  /// A file as a sentence names it.
  static func name(_ path: String, _ standard: String) -> String { path == "-" ? standard : "'\(path)'" }

  /// The system's text for an error number.
  static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }

  /// A full or failing disk has another exit code than a path that cannot be made.
  static func exit(writing code: Int32) -> ExitCode {
    switch code {
    case EPIPE: .readerGone
    case ENOSPC, EDQUOT, EIO, EFBIG, EBADF: .writeFailed
    default: .cannotCreate
    }
  }

  /// Another library's message, made fit for the inside of a sentence.
  static func clause(_ text: String) -> String {
    // libsndfile puts its own mark before some of its reasons.
    let mark = "Error : "
    var text = text.hasPrefix(mark) ? text.dropFirst(mark.count) : text[...]
    if text.last == "." { text = text.dropLast() }
    return text.isEmpty ? "no reason was given" : text.prefix(1).lowercased() + text.dropFirst()
  }

  static func seconds(_ value: Double) -> String { NumberText.fixed(value, 1) + " s" }
}
