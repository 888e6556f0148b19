import Testing

@testable import antiphon

@Suite struct ShellWordTests {
  @Test("a name becomes one word for a shell")
  func quoted() {
    #expect(ShellWord.quoted("in.wav") == "'in.wav'")
    #expect(ShellWord.quoted("it's") == "'it'\\''s'")
    #expect(ShellWord.quoted("-x") == "'./-x'")
    #expect(ShellWord.quoted("a\nb'\u{1B}\\") == "$'a\\nb\\'\\033\\\\'")
    #expect(ShellWord.plain("text_linear=16") == "text_linear=16")
    #expect(ShellWord.plain("a b") == "'a b'")
    #expect(ShellWord.plain("") == "''")
  }

  @Test("a sentence stays one line, and moves no cursor, whatever a name holds")
  func printable() {
    let message = Message("'a\nb\u{1B}[2Jc' is there already.", "Add --overwrite.", .cannotCreate)
    #expect(message.sentence == "'a\u{FFFD}b\u{FFFD}[2Jc' is there already.")
  }
}
