import Base
import Foundation
import Latency
import Runtime
import TestSupport
import Testing

@testable import antiphon

@Suite struct MessageTests {
  /// The text of docs/Errors.md, as the table says it.
  private static func document() -> String {
    var text = """
      # Errors

      Every sentence that this program ends with, its cause, what to do, and the exit code. The names and numbers in
      the sentences are examples. A test compares this file with the program; `ANTIPHON_WRITE_DOCS=1 swift test
      --filter MessageTests` writes it again.

      Errors are two lines on standard error: what happened, and what to do about it. Mistakes in the command line are
      told by its parser, with the usage of the verb.

      ## Exit codes

      They follow `sysexits.h`, and the shell's 128 + signal.

      | code | meaning |
      |---|---|

      """
    for exit in ExitCode.allCases { text += "| \(exit.rawValue) | \(exit.meaning) |\n" }
    for section in ErrorTable.sections {
      text += "\n## \(section.title)\n\n| what is said | cause | what to do | code |\n|---|---|---|---|\n"
      for row in section.rows {
        guard let message = Message(row.error) else { continue }
        text += "| \(message.sentence) | \(row.cause) | \(message.remedy) | \(message.exit.rawValue) |\n"
      }
    }
    return text
  }

  @Test("docs/Errors.md says what the program says")
  func documented() throws {
    let path = Golden.root + "/docs/Errors.md"
    if ProcessInfo.processInfo.environment["ANTIPHON_WRITE_DOCS"] != nil {
      try Self.document().write(toFile: path, atomically: true, encoding: .utf8)
    }
    let written = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    let said = Self.document().split(separator: "\n")
    #expect(written.count == said.count)
    for (line, other) in zip(written, said) { #expect(line == other) }
  }

  @Test("every case of every error is in the table")
  func complete() throws {
    for section in ErrorTable.sections {
      let source = try String(
        contentsOfFile: Golden.root + "/Sources/" + section.source, encoding: .utf8)
      // The errors of the file, up to the end of their enum. Cases stand two spaces deep, those of a nested
      // enum deeper.
      let errors = source.split(separator: "\n").drop { !$0.contains("enum ") || !$0.contains(": Error") }
        .prefix { $0 != "}" }
      let defined = errors.filter { $0.hasPrefix("  case ") && !$0.hasPrefix("  case .") }
        .map { $0.dropFirst(7).prefix { $0.isLetter } }
      let covered = section.rows.map { row in
        Mirror(reflecting: row.error).children.first?.label ?? "\(row.error)"
      }
      #expect(!defined.isEmpty)
      #expect(Set(defined.map(String.init)) == Set(covered), "\(section.source)")
    }
  }

  @Test("every error has words: one sentence, one remedy, and the code of a failure")
  func words() throws {
    for row in ErrorTable.sections.flatMap(\.rows) {
      let message = try #require(Message(row.error), "\(row.error) has no words")
      #expect(message.sentence.hasSuffix("."))
      #expect(!message.sentence.contains("\n") && !message.sentence.contains(". "), "\(message.sentence)")
      #expect(!message.remedy.isEmpty && message.exit != .done)
    }
  }

  @Test("an error of the command line keeps the parser's own words")
  func foreign() {
    struct Foreign: Error {}
    #expect(Message(Foreign()) == nil)
  }

  @Test("the number of a value that differs is in the sentence")
  func plural() {
    let one = LatencyMismatch(place: "turns.csv: line 2, reply_ms", expected: "1.000", found: "2.000")
    let message = Message(LatencyReportError.mismatch(directory: "run1", [one, one]))
    #expect(message.sentence.hasPrefix("2 values in 'run1' contradict"))
  }
}

@Suite struct FiguresTests {
  @Test("numbers have the decimals that were asked for")
  func fixed() {
    #expect(NumberText.fixed(12.345, 2) == "12.35" || NumberText.fixed(12.345, 2) == "12.34")
    #expect(NumberText.fixed(-0.04, 1) == "0.0")
    #expect(NumberText.fixed(-1.96, 1) == "-2.0")
    #expect(NumberText.fixed(7, 0) == "7")
  }

  @Test("bytes have the unit that keeps them short")
  func bytes() {
    #expect(NumberText.bytes(999) == "999 bytes")
    #expect(NumberText.bytes(1_500_000) == "1.5 MB")
    #expect(NumberText.bytes(15_400_000_000_000) == "15400.0 GB")
  }

  @Test("columns line up, the first to the left")
  func table() {
    #expect(TextTable.text([["a", "10"], ["long", "2"], ["x"]]) == "a     10\nlong   2\nx")
  }

  @Test("progress tells how far and how fast")
  func progress() {
    #expect(Progress.line(30, of: 60, after: 10) == "  30.0 s of 60.0 s (50 %), 3.0 times real time")
    #expect(Progress.line(30, of: nil, after: 0) == "  30.0 s")
  }
}
