internal import Base
import CSentencePiece
import Glibc

/// Text to token ids and back, with a SentencePiece model.
public final class TextTokenizer: Sendable {
  /// What one id stands for.
  enum Piece: Equatable, Sendable {
    /// Text, with spaces for SentencePiece's U+2581.
    case text(String)
    /// One byte of a character that has no piece of its own.
    case byte(UInt8)
    /// Control, unknown and unused pieces, which have no text.
    case silent
  }

  let pieces: [Piece]  // (count)
  // Safe to share, because nothing changes it after it is read.
  private nonisolated(unsafe) let model: OpaquePointer

  /// The number of pieces; ids are 0 ..< count.
  public var count: Int { pieces.count }

  /// Reads a SentencePiece `.model` file.
  ///
  /// - Parameters:
  ///   - path: of the file.
  ///   - expectedCount: the number of text tokens of the model that it serves, if known.
  public static func open(
    _ path: String, expectedCount: Int? = nil
  ) throws(TextTokenizerError) -> TextTokenizer {
    let data = try readFile(path)
    var reason = [CChar](repeating: 0, count: 256)
    guard let model = csp_open(data, data.count, &reason, reason.count) else {
      let bytes = reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      throw .notATokenizer(path: path, reason: Self.words(of: String(decoding: bytes, as: UTF8.self)))
    }
    let tokenizer = TextTokenizer(model)
    if let expectedCount, expectedCount != tokenizer.count {
      throw .wrongVocabulary(path: path, expected: expectedCount, found: tokenizer.count)
    }
    return tokenizer
  }

  private init(_ model: OpaquePointer) {
    self.model = model
    pieces = (0..<csp_count(model)).map { Self.piece(model, $0) }
  }

  deinit {
    csp_close(model)
  }

  /// The ids of `text`. An unknown character becomes its UTF-8 bytes, if the model has byte pieces.
  public func encode(_ text: String) -> [Int32] {
    var text = text
    return text.withUTF8 { text in
      text.withMemoryRebound(to: CChar.self) { text in
        // There are rarely more pieces than bytes. If there are, the second call has room for all of them.
        var ids = [Int32](repeating: 0, count: text.count + 8)
        var count = csp_encode(model, text.baseAddress, text.count, &ids, ids.count)
        if count > ids.count {
          ids = [Int32](repeating: 0, count: Int(count))
          count = csp_encode(model, text.baseAddress, text.count, &ids, ids.count)
        }
        precondition(count >= 0, "a model that was read encodes any text")
        return Array(ids[..<Int(count)])
      }
    }
  }

  private static func piece(_ model: OpaquePointer, _ id: Int32) -> Piece {
    var length = 0
    let start = csp_piece(model, id, &length)
    let bytes = UnsafeRawBufferPointer(start: start, count: length)
    let spelling = String(decoding: bytes, as: UTF8.self)
    switch csp_kind_of(model, id) {
    case CSP_NORMAL:
      return .text(
        String(String.UnicodeScalarView(spelling.unicodeScalars.map { $0 == "\u{2581}" ? " " : $0 })))
    case CSP_BYTE:
      // Spelled <0x41>.
      return UInt8(spelling.dropFirst(3).dropLast(), radix: 16).map { .byte($0) } ?? .silent
    default:
      return .silent
    }
  }

  /// SentencePiece begins a reason with the place in its sources, such as `processor.cc(232) [condition] `, and often says
  /// nothing else.
  private static func words(of reason: String) -> String {
    guard reason.contains(".cc("), let bracket = reason.lastIndex(of: "]") else { return reason }
    let words = reason[reason.index(after: bracket)...].drop { $0 == " " }
    return words.isEmpty ? "it cannot be parsed" : String(words)
  }

  private static func readFile(_ path: String) throws(TextTokenizerError) -> [UInt8] {
    let descriptor = FileSystem.open(path, O_RDONLY)
    guard descriptor >= 0 else {
      throw errno == ENOENT || errno == ENOTDIR
        ? .notFound(path: path) : .unreadable(path: path, errno: errno)
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .unreadable(path: path, errno: errno) }
    if status.st_mode & S_IFMT == S_IFDIR { throw .isDirectory(path: path) }
    // The largest known model has 2 MB, so a file beyond this limit is not a tokenizer.
    guard status.st_size <= 256 << 20 else { throw .notATokenizer(path: path, reason: "too large") }
    var data = [UInt8](repeating: 0, count: Int(status.st_size))
    var done = 0
    while done < data.count {
      let count = data.withUnsafeMutableBytes { read(descriptor, $0.baseAddress! + done, $0.count - done) }
      if count == 0 { break }
      if count < 0, errno != EINTR { throw .unreadable(path: path, errno: errno) }
      done += max(count, 0)
    }
    return Array(data[..<done])
  }
}

/// Why a text tokenizer could not be opened.
public enum TextTokenizerError: Error, Equatable, Sendable {
  /// There is no such file.
  case notFound(path: String)
  /// The path is a directory.
  case isDirectory(path: String)
  /// The system refused to open the file, with its `errno`.
  case unreadable(path: String, errno: Int32)
  /// `reason` is libsentencepiece's own.
  case notATokenizer(path: String, reason: String)
  /// The tokenizer and the model have different numbers of text tokens.
  case wrongVocabulary(path: String, expected: Int, found: Int)
}
