/// Why a text tokenizer could not be opened.
public enum TextTokenizerError: Error, Equatable, Sendable {
  case notFound(path: String)
  case isDirectory(path: String)
  case unreadable(path: String, errno: Int32)
  /// `reason` is libsentencepiece's own.
  case notATokenizer(path: String, reason: String)
  /// The model that the tokenizer should serve has another number of text tokens.
  case wrongVocabulary(path: String, expected: Int, found: Int)
}
