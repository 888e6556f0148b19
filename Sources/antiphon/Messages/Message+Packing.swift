import Base
import Checkpoint

extension Message {
  /// Errors of reading and writing quantized files.
  init(packing error: CheckpointError) {
    switch error {
    case .badGGUF(let file, .split(let count)):
      self.init(
        "'\(file)' is one of \(count) files that are one model in GGUF.",
        "Join them: llama-gguf-split --merge '\(file)' model.gguf", .badData)
    case .badGGUF(let file, .bigEndian):
      self.init(
        "'\(file)' is a GGUF file for machines that store the highest byte first.",
        "Fetch the little-endian file of the model; it is the usual one.", .badData)
    case .badGGUF(let file, let fault):
      self.init(
        "'\(file)' is not a GGUF file that can be read: \(Self.clause(fault)).",
        "Copy or fetch the file again, and compare its SHA-256 with the publisher's.", .badData)
    case .packedVersion(let file, let found, let known):
      self.init(
        "'\(file)' is packed in format \(found.prefix(20)), and this version reads \(known).",
        "Pack it again from the model it was made from: antiphon convert", .badData)
    case .alreadyPacked(let file):
      self.init(
        "'\(file)' is packed already.",
        "Name the model that it was made from; its card names it: antiphon inspect",
        .badData)
    case .cannotQuantize(let file, let tensor, let bits, let inputs):
      self.init(
        "'\(file)', tensor '\(tensor)': rows of \(inputs) numbers cannot be stored in \(bits) bits, "
          + "which takes multiples of 32 up to 32768.",
        "Leave it as it is: --keep \(ShellWord.plain(tensor + "=16"))", .usage)
    case .nothingNamed(let file, let name):
      self.init(
        "'\(file)' has no matrix whose name is '\(name)' or begins so.",
        "List the names: antiphon inspect --tensors \(ShellWord.quoted(file))", .usage)
    case .noSpace(let file, let needed, let available):
      self.init(
        "'\(file)' takes \(NumberText.bytes(needed)) more, and the disk has \(NumberText.bytes(available)) left.",
        "Make room, or name a directory on another disk.", .writeFailed)
    case .readsBackWrong(let file, let tensor):
      self.init(
        "'\(file)', tensor '\(tensor)': what was written does not read back the same.",
        "The disk or the memory is failing; run it again, and on another disk if it comes back.", .writeFailed
      )
    default: self.init("A packed file has a fault.", "Please report it.", .software)
    }
  }

  private static func clause(_ fault: CheckpointError.GGUFFault) -> String {
    switch fault {
    case .tooShort: "it ends inside its header"
    case .version(let version): "its version is \(version), not 2 or 3"
    case .badEntry(let name): "the header's entry '\(name)' is malformed"
    case .repeated(let name): "the header names '\(name)' twice"
    case .alignment(let found): "general.alignment must be a multiple of 8 above 0, and is \(found)"
    case .bigEndian, .split: "it is not one that this version reads"
    }
  }
}
