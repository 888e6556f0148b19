import Base
import Glibc
import Latency

extension Message {
  init(_ error: CommandError) {
    switch error {
    case .interrupted(let signal, let path, let seconds):
      self.init(
        "Stopped by a signal after \(Self.seconds(seconds)) of sound.",
        "\(Self.name(path, "Standard output")) is whole and ends there.",
        ExitCode(signal: signal))
    case .standardOutput(let code):
      self.init(writing: "-", code: code, "Make room, or send it elsewhere.")
    case .outputExists(let path):
      self.init(
        "'\(path)' is there already.", "Add --overwrite to replace it, or name another file.", .cannotCreate)
    case .noDefaultModel:
      self.init(
        "The models that ship with this program are not beside it.",
        "Set ANTIPHON_ASSETS to the directory 'Assets', or name a model with --model.", .noInput)
    case .tooManyCodebooks(let path, let found, let available):
      self.init(
        "'\(path)' has \(found) codebooks, and the codec has \(available).",
        "Name the codec that made it with --codec, or encode again with --codebooks \(available).", .badData)
    case .codeOutOfRange(let path, let frame, let codebook, let found, let cardinality):
      self.init(
        "'\(path)', frame \(frame), codebook \(codebook): the code \(found) is not below \(cardinality).",
        "Name the codec that made it with --codec, or encode again.", .badData)
    case .anotherCodec(let path, let codec, let expected, let found):
      self.init(
        "'\(path)' was made by another codec than '\(codec)' (SHA-256 \(expected.prefix(12)), not \(found.prefix(12))).",
        "Name the codec that made it with --codec.", .badData)
    case .noInstructionSet(let wanted, let available):
      self.init(
        "ANTIPHON_ISA asks for '\(wanted)', which this machine does not have.",
        "It has \(available.joined(separator: ", ")); unset ANTIPHON_ISA for the fastest.", .usage)
    case .conversionStopped(let signal, let path, let done, let total):
      self.init(
        "Stopped by a signal after \(NumberText.bytes(done)) of \(NumberText.bytes(total)) of '\(path)'.",
        "Run the same command again: it resumes where it stopped.",
        ExitCode(signal: signal))
    case .outputIsModel(let path):
      self.init(
        "'\(path)' is the directory of the model itself.", "Name another directory for the packed model.",
        .cannotCreate)
    case .differentStreams(let first, let second):
      self.init(
        "'\(first)' and '\(second)' do not speak and hear the same streams.",
        "Compare a model with a rounded form of itself: antiphon convert", .badData)
    case .nothingToCompare(let path):
      self.init("'\(path)' has no whole frame.", "Name a recording of some seconds.", .badData)
    case .wrongPrediction(let model, let predicted, let measured):
      self.init(
        "A step of '\(model)' was predicted to take \(NumberText.fixed(predicted, 1)) ms and took "
          + "\(NumberText.fixed(measured, 1)).",
        "Run it again while no other program is busy.", .checkFailed)
    case .noChirp(let sent):
      self.init(
        "None of \(sent) chirps came back through the microphone.",
        "Turn the loudspeaker up, put the microphone beside it, or connect the two with a cable.",
        .checkFailed)
    }
  }
}
