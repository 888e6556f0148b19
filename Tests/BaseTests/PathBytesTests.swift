import Testing

@testable import Base

@Suite struct PathBytesTests {
  private func path(_ bytes: [UInt8]) -> String { bytes.withUnsafeBytes { FileSystem.path(from: $0) } }
  private func bytes(_ path: String) -> [UInt8] {
    FileSystem.bytes(of: path).dropLast().map { UInt8(bitPattern: $0) }
  }

  @Test("any bytes become a path and come back")
  func roundTrip() {
    var noise = SplitMix64(seed: 7)
    for _ in 0..<2000 {
      // Mostly bytes that begin or continue a character, so that whole, cut and overlong ones occur.
      let count = Int(noise.next() % 12)
      let some: [UInt8] = (0..<count).map { _ in
        let number = noise.next()
        let choice: [UInt8] = [
          0x61, 0x2F, 0xC3, 0xA4, 0xE2, 0x82, 0xAC, 0xF4, 0x8F, 0xBA, 0xBB,
          UInt8(truncatingIfNeeded: number >> 8) | 1,
        ]
        return choice[Int(number % UInt64(choice.count))]
      }
      #expect(bytes(path(some)) == some)
    }
    for byte in UInt8(1)...255 { #expect(bytes(path([0x61, byte])) == [0x61, byte]) }
  }

  @Test("a name in UTF-8 is the same text, unless it has the private characters")
  func plain() {
    for name in ["a.wav", "Grüße", "日本語", "\u{301}x", "\u{10FFFF}", ""] {
      #expect(path(Array(name.utf8)) == name && bytes(name) == Array(name.utf8))
    }
    let name = "x\u{10FEFF}"
    #expect(path(Array(name.utf8)) != name && bytes(path(Array(name.utf8))) == Array(name.utf8))
  }

  @Test("a byte that is no text is shown as a number")
  func readable() {
    #expect(FileSystem.readable(path([0x61, 0xFF, 0xE4])) == #"a\xff\xe4"#)
    #expect(FileSystem.readable("Grüße \u{10FFFF}") == "Grüße \u{10FFFF}")
  }
}
