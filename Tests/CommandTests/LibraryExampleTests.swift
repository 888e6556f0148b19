import AudioIO
import Foundation
import TestSupport
import Testing

/// The program of docs/Library.md.
struct LibraryExampleTests {
  @Test("the page shows the example that is compiled")
  func page() throws {
    let page = try String(contentsOfFile: Golden.root + "/docs/Library.md", encoding: .utf8)
    let source = try String(
      contentsOfFile: Golden.root + "/Examples/LibraryExample/Example.swift", encoding: .utf8)
    #expect(page.contains("```swift\n\(source)```"))
    #expect(source.split(separator: "\n").count <= 25)
  }

  @Test("the example answers a recording, frame for frame")
  func runs() throws {
    let directory = try TemporaryDirectory()
    let program = Process()
    program.executableURL = URL(filePath: Program.path).deletingLastPathComponent()
      .appending(path: "LibraryExample")
    program.arguments = [
      Golden.path("tiny-model"), Golden.root + "/Assets/audio/question.flac", directory.file("reply.wav"),
    ]
    program.standardOutput = FileHandle.nullDevice
    try program.run()
    program.waitUntilExit()
    #expect(program.terminationStatus == 0)
    let (question, reply) = (
      try SoundFileReader.open(Golden.root + "/Assets/audio/question.flac"),
      try SoundFileReader.open(directory.file("reply.wav"))
    )
    let seconds = (try #require(question.duration), try #require(reply.duration))
    #expect(seconds.1 >= seconds.0 && seconds.1 < seconds.0 + 0.08)
  }
}
