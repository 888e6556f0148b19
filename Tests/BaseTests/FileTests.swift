import Base
import Foundation
import TestSupport
import Testing

@Suite("Files that are written")
struct FileTests {
  @Test("a file that is written whole replaces the old one only when it is whole")
  func whole() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/a.txt"
    try TextFile.write("first", to: path)
    #expect(throws: FileError.cannotWrite(path: path, code: 5)) {
      try OutputFile.whole(path) { file throws(FileError) in
        try file.write("half of the sec")
        throw FileError.cannotWrite(path: file.path, code: 5)
      }
    }
    #expect(try TextFile.read(path) == "first")
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["a.txt"])
    try TextFile.write("second", to: path)
    #expect(try TextFile.read(path) == "second")
  }

  @Test("a link to a file is followed, and permissions stay")
  func link() throws {
    let directory = try TemporaryDirectory()
    let (path, link) = (directory.path + "/a.txt", directory.path + "/link")
    try TextFile.write("first", to: path)
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "a.txt")
    try TextFile.write("second", to: link)
    #expect(try TextFile.read(path) == "second")
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "a.txt")
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(mode == 0o640)
  }

  @Test("a full device is an error, with the system's number")
  func full() throws {
    #expect(throws: FileError.cannotWrite(path: "/dev/full", code: 28)) {
      try TextFile.write("x", to: "/dev/full")
    }
    let file = try OutputFile("/dev/full", existing: .updated)
    #expect(throws: FileError.cannotWrite(path: "/dev/full", code: 28)) { try file.write([1, 2, 3]) }
  }

  @Test("a file that may not be replaced stays, and is said to exist")
  func refused() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/a.txt"
    try TextFile.write("first", to: path)
    #expect(throws: FileError.cannotCreate(path: path, code: 17)) { try OutputFile(path, existing: .refused) }
    #expect(try TextFile.read(path) == "first")
  }
}

@Suite("The generator")
struct SplitMix64Tests {
  @Test("its numbers are those of the published algorithm")
  func published() {
    // Of the reference implementation by Vigna, seed 1234567.
    var generator = SplitMix64(seed: 1_234_567)
    let numbers = (0..<5).map { _ in generator.next() }
    #expect(
      numbers == [
        6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
        4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
      ])
  }
}
