import Foundation
import TestSupport
import Testing

/// Codes that come through a pipe.
@Suite struct CodesInputTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try Program.directoryWithSound() }

  private func shell(_ command: String) throws -> Program.Result {
    try Program.shell(command, directory: directory)
  }

  @Test("decode reads codes from standard input, and from a pipe with a name, as from a file")
  func pipes() throws {
    let result = try shell(
      """
      $antiphon encode in.wav a.codes --codec $codec && $antiphon decode a.codes a.wav --codec $codec &&
      $antiphon encode in.wav - --codec $codec | $antiphon decode - b.wav --codec $codec && cmp a.wav b.wav &&
      $antiphon decode - c.wav --codec $codec <a.codes && cmp a.wav c.wav &&
      $antiphon decode <(cat a.codes) d.wav --codec $codec && cmp a.wav d.wav &&
      cat a.codes | $antiphon decode - - --codec $codec | wc -c
      """)
    #expect(result.code == 0 && result.errors == "", "\(result.errors)")
    #expect(Int(result.text.trimmingCharacters(in: .whitespacesAndNewlines)).map { $0 > 10_000 } == true)
  }

  @Test("what is no codes file is refused in a sentence that names standard input")
  func refused() throws {
    let text = try shell("echo Dear diary, again | $antiphon decode - a.wav --codec $codec")
    #expect(
      text.code == 65 && text.sentence.hasPrefix("'standard input' is not a safetensors file: "),
      "\(text.errors)")
    let empty = try shell("$antiphon decode - a.wav --codec $codec </dev/null")
    #expect(
      empty.code == 65
        && empty.sentence == "'standard input' is not a safetensors file: it is shorter than a header.")
    let other = try shell(
      "$antiphon encode in.wav - --codec $codec | $antiphon decode - a.wav --codec $golden/tiny-codec/model-renamed.safetensors"
        .replacing("$golden", with: Golden.root + "/Assets/golden"))
    #expect(other.code == 65 && other.sentence.hasPrefix("'standard input' was made by another codec than "))
    #expect(!FileManager.default.fileExists(atPath: directory.file("a.wav")))
  }
}
