/// Why a text tokenizer could not be opened.
public enum TextTokenizerError: Error, Equatable, Sendable {
  /// There is no such file.
  case notFound(path: String)
  /// A directory stands where a file is needed.
  case isDirectory(path: String)
  /// The system refused to open the file.
  case unreadable(path: String, errno: Int32)
  /// `reason` is libsentencepiece's own.
  case notATokenizer(path: String, reason: String)
  /// The model that the tokenizer should serve has another number of text tokens.
  case wrongVocabulary(path: String, expected: Int, found: Int)
}
