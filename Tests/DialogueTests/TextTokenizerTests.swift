import Foundation
import Testing

@testable import Dialogue

/// Assets/golden/tokenizer.model, made by tools/golden-tokenizer.
private let goldenPath = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .appendingPathComponent("../../Assets/golden/tokenizer.model").standardized.path

/// All that comes out for `ids`, with the end.
private func text(_ ids: [Int32], _ tokenizer: TextTokenizer) -> [String] {
  var stream = StreamingText(tokenizer)
  return ids.map { stream.append($0) } + [stream.finish()]
}

@Suite("The text tokenizer")
struct TextTokenizerTests {
  let tokenizer: TextTokenizer

  init() throws { tokenizer = try TextTokenizer.open(goldenPath, expectedCount: 330) }

  /// The id of a byte piece: they follow the four special pieces.
  func byte(_ value: UInt8) -> Int32 { 4 + Int32(value) }

  // The ids are what spm_encode prints.
  @Test(
    "encodes as SentencePiece's own command does",
    arguments: [
      (
        "Good evening, how are you?",
        [260, 317, 309, 309, 262, 260, 261, 288, 300, 267, 260, 312, 329, 265, 270, 261, 271, 295]
      ),
      ("the choir", [260, 269, 277, 312, 285, 270]),
      ("  two  spaces ", [311, 329, 309, 275, 314, 304, 315, 261, 263]),
      ("naïve 鐘", [260, 279, 304, 199, 179, 288, 260, 237, 148, 156]),
      ("café", [277, 304, 281, 321]),
      ("", []),
    ] as [(String, [Int32])])
  func encode(text: String, ids: [Int32]) {
    #expect(tokenizer.encode(text) == ids)
  }

  @Test(
    "text survives the way to ids and back",
    arguments: [
      "Good evening, how are you?", "naïve 鐘 🎶 Ω", "👩‍👩‍👧 e\u{301}", "zero \u{0} byte",
      String(repeating: "鐘", count: 500),
    ])
  func roundTrip(original: String) {
    let joined = text(tokenizer.encode(original), tokenizer).joined()
    #expect(Array(joined.unicodeScalars) == Array(original.unicodeScalars))
  }

  @Test("a piece comes out at once, the first word without its space, later ones with it")
  func words() {
    #expect(text([269, 277, 312, 285, 270, 271], tokenizer) == ["the", " c", "ho", "i", "r", " you", ""])
    #expect(text([271, 271], tokenizer) == ["you", " you", ""])
    #expect(text([260, 269, 260, 269], tokenizer) == ["", "the", " ", "the", ""])
  }

  @Test("padding, the initial id and control pieces are not text")
  func silence() {
    #expect(text([330, 3, 3, 0, 271, 3, 0, 1, 2, 271, -1, 5_000], tokenizer).joined() == "you you")
  }

  @Test("a character in bytes comes out whole, with its last byte, also across padding")
  func bytes() {
    let bell = Array("鐘".utf8).map(byte)
    #expect(text(bell, tokenizer) == ["", "", "鐘", ""])
    #expect(text([bell[0], 3, bell[1], 0, bell[2]], tokenizer) == ["", "", "", "", "鐘", ""])
  }

  @Test("a character that is cut off comes out as U+FFFD, before the next piece or at the end")
  func cut() {
    let bell = Array("鐘".utf8).map(byte)
    #expect(text([bell[0], bell[1], 271], tokenizer) == ["", "", "\u{FFFD} you", ""])
    #expect(text([271, bell[0]], tokenizer) == ["you", "", "\u{FFFD}"])
  }

  @Test("any bytes come out as Swift would decode them")
  func anyBytes() {
    // Mostly bytes that begin or continue characters, so that valid and broken ones mix.
    let interesting: [UInt8] = [
      0x41, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xDF, 0xE0, 0xE4, 0xED, 0xF0, 0xF1, 0xF4, 0xF5,
      0xFF,
    ]
    for seed in 0..<20_000 {
      var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1
      let bytes = (0..<6).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return interesting[Int(state >> 33) % interesting.count]
      }
      let joined = text(bytes.map(byte), tokenizer).joined()
      #expect(Array(joined.utf8) == Array(String(decoding: bytes, as: UTF8.self).utf8), "\(bytes)")
    }
  }

  @Test("a copy goes on from the same place, and neither disturbs the other")
  func copy() {
    let bell = Array("鐘".utf8).map(byte)
    var stream = StreamingText(tokenizer)
    #expect(stream.append(bell[0]) == "" && stream.append(bell[1]) == "")
    var other = stream
    #expect(other.append(271) == "\u{FFFD} you")
    #expect(stream.append(bell[2]) == "鐘")
  }

  @Test("what cannot be opened says why")
  func refusals() throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("antiphon-\(UUID())")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }

    let nowhere = directory.path + "/tokenizer.model"
    #expect(throws: TextTokenizerError.notFound(path: nowhere)) { try TextTokenizer.open(nowhere) }
    #expect(throws: TextTokenizerError.isDirectory(path: directory.path)) {
      try TextTokenizer.open(directory.path)
    }
    #expect(throws: TextTokenizerError.wrongVocabulary(path: goldenPath, expected: 32_000, found: 330)) {
      try TextTokenizer.open(goldenPath, expectedCount: 32_000)
    }
    let golden = try Data(contentsOf: URL(fileURLWithPath: goldenPath))
    let broken = [
      Data(), Data("Dear Sir, this is not a tokenizer.\n".utf8), golden.prefix(golden.count / 2),
      Data(repeating: 0xFF, count: 1_000),
    ]
    for (index, data) in broken.enumerated() {
      let path = directory.path + "/\(index).model"
      try data.write(to: URL(fileURLWithPath: path))
      let error = #expect(throws: TextTokenizerError.self) { try TextTokenizer.open(path) }
      guard case .notATokenizer(path, let reason) = error else {
        Issue.record("\(index): \(String(describing: error))")
        continue
      }
      #expect(!reason.isEmpty)
    }
  }
}
