import AudioIO
import Glibc

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
      self.init(
        "'\(path)' is an input or another output of the same command.", "Name another file.", .cannotCreate)
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
}
