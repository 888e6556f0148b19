import Base
import Foundation
import TestSupport
import Testing

@Suite("Values that wait on the disk")
struct ScratchFileTests {
  @Test("come back in order, however they came, and leave no name in the directory")
  func order() throws {
    let directory = try TemporaryDirectory()
    let file = try ScratchFile<Int32>(in: directory.path)
    try file.append([])
    for block in [0..<1, 1..<1500, 1500..<4000] { try file.append(block.map { Int32($0) }) }
    var back: [Int32] = []
    try file.forEach { back.append($0) }
    #expect(back == (0..<4000).map { Int32($0) } && file.count == 4000)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
  }

  @Test("a directory that is not there is an error")
  func missing() throws {
    let directory = try TemporaryDirectory()
    #expect(throws: FileError.self) { _ = try ScratchFile<Int32>(in: directory.file("none")) }
  }
}
