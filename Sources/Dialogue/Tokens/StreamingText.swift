/// Text as it is spoken: token ids go in one at a time, whole characters come out.
///
/// A value: a copy continues from the same place.
public struct StreamingText: Sendable {
  private let tokenizer: TextTokenizer
  private let endOfPadding: Int32
  private let padding: Int32
  private let initial: Int32
  private var character = UTF8Character()
  private var isStarted = false

  /// The text of a conversation before its first step.
  ///
  /// - Parameters:
  ///   - tokenizer: of the model that draws the ids.
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

/// Collects the bytes of one character.
struct UTF8Character: Sendable {
  private var scalar: UInt32 = 0
  private var missing = 0
  /// What the next byte may be: narrower than a continuation byte after some first bytes.
  private var allowed: ClosedRange<UInt8> = 0x80...0xBF

  static let replacement = "\u{FFFD}"

  /// Takes the next byte and returns what it completes: a character, or U+FFFD for each piece of a
  /// character that cannot be completed, cut where Swift's own decoding of damaged text cuts.
  mutating func append(_ byte: UInt8) -> String {
    if missing > 0 {
      guard allowed.contains(byte) else {
        missing = 0
        return Self.replacement + append(byte)
      }
      scalar = scalar << 6 | UInt32(byte & 0x3F)
      missing -= 1
      allowed = 0x80...0xBF
      return missing == 0 ? Unicode.Scalar(scalar).map { String($0) } ?? Self.replacement : ""
    }
    allowed = 0x80...0xBF
    switch byte {
    case 0x00...0x7F: return String(Unicode.Scalar(byte))
    case 0xC2...0xDF: start(byte & 0x1F, missing: 1)
    case 0xE0...0xEF:
      start(byte & 0x0F, missing: 2)
      // No overlong forms, no surrogates.
      if byte == 0xE0 { allowed = 0xA0...0xBF }
      if byte == 0xED { allowed = 0x80...0x9F }
    case 0xF0...0xF4:
      start(byte & 0x07, missing: 3)
      if byte == 0xF0 { allowed = 0x90...0xBF }
      if byte == 0xF4 { allowed = 0x80...0x8F }
    default: return Self.replacement
    }
    return ""
  }

  /// Discards an incomplete character and returns U+FFFD in its place, if there is one.
  mutating func flush() -> String {
    defer { missing = 0 }
    return missing > 0 ? Self.replacement : ""
  }

  private mutating func start(_ bits: UInt8, missing: Int) {
    scalar = UInt32(bits)
    self.missing = missing
  }
}
