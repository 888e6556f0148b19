import Checkpoint
import Dialogue

extension Message {
  private static let fetchAgain =
    "Copy or fetch the file again, and compare its SHA-256 with the publisher's."

  init(_ error: CheckpointError) {
    switch error {
    case .notFound(let file):
      self.init(
        "There is no file '\(file)'.", "Check the path; antiphon does not fetch models by itself.", .noInput)
    case .isDirectory(let file):
      self.init("'\(file)' is a directory, not a file.", "Name the file in it, or use --model.", .noInput)
    case .notDirectory(let file):
      self.init(
        "'\(file)' is not a directory.", "Name the directory that holds config.json and the weights.",
        .noInput)
    case .unreadable(let file, let code):
      self.init("'\(file)' cannot be read: \(Self.reason(code)).", Self.whoMayRead(file), .noInput)
    case .cannotWrite(let file, let code):
      self.init(
        writing: file, code: code, "Make room, or name a file in a directory that may be written.")
    case .truncated(let file, let expected, let found):
      self.init(
        "'\(file)' is cut off: \(expected) bytes are promised, and it has \(found).", Self.fetchAgain,
        .badData)
    case .badHeader(let file, let fault):
      self.init(
        "'\(file)' is not a safetensors file: \(Self.clause(fault)).",
        "Name a file that ends in .safetensors; other formats have to be converted.", .badData)
    case .unknownType(let file, let tensor, let found):
      self.init(
        "'\(file)', tensor '\(tensor)': the type '\(found)' is not supported.",
        "Convert it to F32, BF16, F16, I8, U8, U32, I32 or I64.", .badData)
    case .wrongSize(let file, let tensor, let expected, let found):
      self.init(
        "'\(file)', tensor '\(tensor)': its shape needs \(expected) bytes, and it has \(found).",
        Self.fetchAgain,
        .badData)
    case .outOfRange(let file, let tensor, let begin, let end, let size):
      self.init(
        "'\(file)', tensor '\(tensor)': it lies from byte \(begin) to \(end), and there are \(size).",
        Self.fetchAgain, .badData)
    case .overlap(let file, let tensor, let other):
      self.init("'\(file)': the tensors '\(tensor)' and '\(other)' overlap.", Self.fetchAgain, .badData)
    case .missingTensor(let file, let tensor, let present):
      self.init(
        "'\(file)' has no tensor '\(tensor)' (it has \(present)).",
        "Check that it is the right file: antiphon inspect --tensors \(ShellWord.quoted(file))", .badData)
    case .wrongShape(let file, let tensor, let expected, let found):
      self.init(
        "'\(file)', tensor '\(tensor)': the shape \(Self.shape(expected)) is expected, and it is "
          + "\(Self.shape(found)).",
        "Check that the file and its config.json belong together.", .badData)
    case .wrongType(let file, let tensor, let expected, let found):
      self.init(
        "'\(file)', tensor '\(tensor)': the type \(expected) is expected, and it is \(found).",
        "Check that it is the right file: antiphon inspect --tensors \(ShellWord.quoted(file))", .badData)
    case .notFinite(let file, let tensor):
      self.init(
        "'\(file)', tensor '\(tensor)': there are values that are not numbers.", Self.fetchAgain, .badData)
    case .badField(let file, let field, let expected, let found):
      self.init(
        "'\(file)', field '\(field)': \(expected) is expected, and it is \(found).",
        "Correct the field, or fetch the file again.", .badData)
    case .badArgument(let file, let name, let expected, let found):
      self.init(
        "'\(name)' is \(found) for '\(file)', and it takes \(expected).", "Give it a value that it takes.",
        .usage)
    case .unsupported(let file, let field, let found):
      self.init(
        "'\(file)' asks for \(field) '\(found)', which this version does not support.",
        "docs/Checkpoints.md lists what can be read.", .badData)
    case .badIndex(let file, let fault): self.init(index: file, fault)
    case .badGGUF, .packedVersion, .alreadyPacked, .cannotQuantize, .nothingNamed, .noSpace, .readsBackWrong:
      self.init(packing: error)
    }
  }

  init(_ error: TextTokenizerError) {
    switch error {
    case .notFound(let path):
      self.init(
        "There is no file '\(path)'.", "Check 'tokenizer_name' in the model's config.json.", .noInput)
    case .isDirectory(let path):
      self.init(
        "'\(path)' is a directory, not a tokenizer.", "Check 'tokenizer_name' in the model's config.json.",
        .noInput)
    case .unreadable(let path, let code):
      self.init("'\(path)' cannot be read: \(Self.reason(code)).", Self.whoMayRead(path), .noInput)
    case .notATokenizer(let path, let reason):
      self.init("'\(path)' is not a SentencePiece model: \(Self.clause(reason)).", Self.fetchAgain, .badData)
    case .wrongVocabulary(let path, let expected, let found):
      self.init(
        "'\(path)' has \(found) tokens, and the model has \(expected).",
        "Use the tokenizer that came with the model.", .badData)
    }
  }

  private static func clause(_ fault: CheckpointError.HeaderFault) -> String {
    switch fault {
    case .tooShort: "it is shorter than a header"
    case .lengthOutOfRange(let length): "its header would be \(length) bytes long"
    case .notJSON: "its header is not JSON"
    case .badEntry(let tensor): "the header's entry '\(tensor)' is malformed"
    case .repeated(let tensor): "the header names '\(tensor)' twice"
    }
  }

  /// -1 stands for any size.
  private static func shape(_ sizes: [Int]) -> String {
    "[" + sizes.map { $0 < 0 ? "any" : String($0) }.joined(separator: ", ") + "]"
  }
}
