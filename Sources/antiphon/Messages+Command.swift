import Glibc

extension Message {
  init(_ error: CommandError) {
    switch error {
    case .interrupted(let signal, let path, let seconds):
      self.init(
        "Stopped by a signal after \(Self.seconds(seconds)) of sound.",
        "\(Self.name(path, "Standard output")) is whole and ends there.",
        signal == SIGTERM ? .terminated : .interrupted)
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
    case .noChirp(let sent):
      self.init(
        "None of \(sent) chirps came back through the microphone.",
        "Turn the loudspeaker up, put the microphone beside it, or join the two by a cable.", .checkFailed)
    }
  }
}
