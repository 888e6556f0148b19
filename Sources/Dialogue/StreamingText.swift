/// Text as it is spoken: token ids go in one at a time, whole characters come out.
///
/// A value: a copy goes on from the same place.
public struct StreamingText: Sendable {
  private let tokenizer: TextTokenizer
  private let endOfPadding: Int32
  private let padding: Int32
  private let initial: Int32
  private var character = UTF8Character()
  private var isStarted = false

  /// - Parameters:
  ///   - endOfPadding: the id that announces a word; it is not text.
  ///   - padding: the id for "nothing is said in this frame".
  ///   - initial: the id before the first frame; by default the one after the last piece.
  public init(
    _ tokenizer: TextTokenizer, endOfPadding: Int32 = 0, padding: Int32 = 3, initial: Int32? = nil
  ) {
    self.tokenizer = tokenizer
    self.endOfPadding = endOfPadding
    self.padding = padding
    self.initial = initial ?? Int32(tokenizer.count)
  }

  /// Takes the next id and returns the text that it completes, often none.
  ///
  /// A word starts with its space, except the first one. Bytes that make no character come out as U+FFFD.
  /// Ids outside the vocabulary are not text.
  public mutating func append(_ id: Int32) -> String {
    if id == endOfPadding || id == padding || id == initial { return "" }
    guard tokenizer.pieces.indices.contains(Int(id)) else { return "" }
    switch tokenizer.pieces[Int(id)] {
    case .silent:
      return ""
    case .byte(let byte):
      return release(character.append(byte))
    case .text(let text):
      let rest = character.flush()
      return rest.isEmpty ? release(text) : release(rest) + text
    }
  }

  /// After the last id: U+FFFD if it ended inside a character.
  public mutating func finish() -> String {
    release(character.flush())
  }

  private mutating func release(_ text: String) -> String {
    if isStarted || text.isEmpty { return text }
    isStarted = true
    return text.hasPrefix(" ") ? String(text.dropFirst()) : text
  }
}
