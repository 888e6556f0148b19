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
}

extension Message {
  init(_ error: SoundFileError) {
    let input = "standard input"
    let output = "standard output"
    switch error {
    case .notFound(let path):
      self.init("There is no file '\(path)'.", "Check the path.", .noInput)
    case .isDirectory(let path):
      self.init("'\(path)' is a directory, not a sound file.", "Name a file.", .noInput)
    case .unreadable(let path, let code):
      self.init(
        "\(Self.name(path, input)) cannot be read: \(Self.reason(code)).", Self.whoMayRead(path), .noInput)
    case .notASoundFile(let path, let reason):
      self.init(
        "\(Self.name(path, input)) is not a sound file that can be read: \(Self.clause(reason)).",
        "WAV, FLAC, Ogg, Opus and MP3 are read; convert anything else: "
          + (path == "-" ? "ffmpeg -i pipe: -f wav pipe:" : "ffmpeg -i \(ShellWord.quoted(path)) sound.wav"),
        .badData)
    case .empty(let path):
      self.init(
        "\(Self.name(path, input)) holds no sound.", "Record or convert it again; it has no samples.",
        .badData)
    case .unsupportedChannels(let path, let channels, let limit):
      self.init(
        "\(Self.name(path, input)) says that it has \(channels) channels; 1 to \(limit) can be read.",
        "Convert it to one channel: sox \(ShellWord.quoted(path)) -c 1 sound.wav", .badData)
    case .cannotStore(let path, let code):
      self.init(
        "\(Self.name(path, input)) cannot be stored until it ends, which its format requires: \(Self.reason(code)).",
        "Write it to a file and name that, or set TMPDIR to a directory with room.", .writeFailed)
    case .noChannel(let path, let channel, let channels):
      self.init(
        "\(Self.name(path, input)) has \(channels) channel\(channels == 1 ? "" : "s"), and channel \(channel) was asked for.",
        channels == 1
          ? "Leave out --channel." : "Use --channel 1 to \(channels), or leave it out for a mix.",
        .usage)
    case .unsupportedRate(let path, let rate, let lowest, let highest):
      self.init(
        "\(Self.name(path, input)) says that it has \(rate) samples per second; \(lowest) to \(highest) can be read.",
        "Convert it: sox \(ShellWord.quoted(path)) -r 24000 sound.wav", .badData)
    case .damaged(let path, let seconds, let reason):
      self.init(
        "\(Self.name(path, input)) is damaged after \(Self.seconds(seconds)): \(Self.clause(reason)).",
        "The sound before that was used, and the output ends there.", .badData)
    case .outputExists(let path):
      self.init(
        "'\(path)' is there already.", "Add --overwrite to replace it, or name another file.", .cannotCreate)
    case .outputIsInput(let path):
      self.init("'\(path)' is the input too.", "Name another file for the output.", .cannotCreate)
    case .unknownExtension(let path, let known):
      self.init(
        "The name '\(path)' does not end in a known sound format.",
        "End it in one of: " + known.map { "." + $0 }.joined(separator: " "), .usage)
    case .badArgument(let path, let name, let expected, let found):
      self.init(
        "'\(name)' is \(found) for \(Self.name(path, output)), and it takes \(expected).",
        "Give it a value that it takes.", .usage)
    case .cannotCreate(let path, let code):
      self.init(
        "\(Self.name(path, output)) cannot be made: \(Self.reason(code)).",
        "Name a file in a directory that is there and may be written.", .cannotCreate)
    case .writeFailed(let path, EPIPE, let seconds, _):
      self.init(
        "The reader of \(Self.name(path, output)) went away after \(Self.seconds(seconds)) of sound.",
        "What it had read is correct, and everything else that was asked for is written.", .readerGone)
    case .writeFailed(let path, let code, let seconds, let bytes):
      self.init(
        "Writing \(Self.name(path, output)) stopped: \(Self.reason(code)).",
        bytes == 0
          ? "The earlier file is unchanged; make room and run it again."
          : "The first \(Self.seconds(seconds)) (\(bytes) bytes) are written; make room and run it again.",
        .writeFailed)
    }
  }

  init(_ error: FileError) {
    switch error {
    case .cannotOpen(let path, let code), .cannotRead(let path, let code):
      self.init("'\(path)' cannot be read: \(Self.reason(code)).", "See who may: ls -l '\(path)'", .noInput)
    case .cannotCreate(let path, let code) where code == EEXIST:
      self.init(
        "'\(path)' is there already.", "Add --overwrite to replace it, or name another.", .cannotCreate)
    case .cannotCreate(let path, let code), .cannotWrite(let path, let code):
      self.init(
        "'\(path)' cannot be written: \(Self.reason(code)).",
        "Make room, or name a place in a directory that may be written.", Self.exit(writing: code))
    }
  }

  init(_ error: LatencyReportError) {
    switch error {
    case .missing(let path):
      self.init(
        "There is no file '\(path)'.", "Name a directory that a run with --latency has written.", .noInput)
    case .unreadable(let path, let code):
      self.init("'\(path)' cannot be read: \(Self.reason(code)).", Self.whoMayRead(path), .noInput)
    case .exists(let path):
      self.init(
        "'\(path)' of an earlier run is there already.",
        "Add --overwrite to replace it, or name another directory.",
        .cannotCreate)
    case .unwritable(let path, let code):
      self.init(writing: path, code: code, "Make room, or name a directory that may be written.")
    case .badHeader(let path, let line, let column, let expected, let found):
      self.init(
        "'\(path)', line \(line): column \(column) must be '\(expected)' and is '\(found)'.",
        "The log is of another version or not a log; make it again with --latency.", .badData)
    case .badWidth(let path, let line, let expected, let found):
      self.init(
        "'\(path)', line \(line): \(expected) fields are expected, and there are \(found).",
        "The log was cut or edited; make it again with --latency.", .badData)
    case .badField(let path, let line, let column, let found):
      self.init(
        "'\(path)', line \(line): '\(found)' is not a value of column '\(column)'.",
        "The log was edited; make it again with --latency.", .badData)
    case .badSummary(let path):
      self.init(
        "'\(path)' is not a latency summary.", "The file was cut or edited; make it again with --latency.",
        .badData)
    case .mismatch(let directory, let list):
      let first = list.first.map { "\($0.place) is \($0.found), the logs say \($0.expected)" } ?? ""
      self.init(
        "\(list.count) value\(list.count == 1 ? "" : "s") in '\(directory)' contradict the logs: \(first).",
        "A file was edited or belongs to another run; make them again with --latency.", .checkFailed)
    }
  }

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
