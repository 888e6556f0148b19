import Checkpoint
import Foundation
import TestSupport
import Testing

/// Files that are not what they claim: each is one error that says what is wrong, and none is a crash.
struct HostileFileTests {
  /// A file, and the error it must give for a path.
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let file: RawFile
    let error: @Sendable (String) -> CheckpointError

    init(_ name: String, _ file: RawFile, _ error: @escaping @Sendable (String) -> CheckpointError) {
      testDescription = name
      self.file = file
      self.error = error
    }

    init(_ name: String, length: UInt64, _ fault: CheckpointError.HeaderFault) {
      self.init(name, RawFile(header: "{}      ", length: length)) { .badHeader(file: $0, fault: fault) }
    }

    /// A file of one tensor `a` whose description has a fault.
    init(
      _ name: String, entry: String, data: Int = 16, _ error: @escaping @Sendable (String) -> CheckpointError
    ) {
      self.init(name, RawFile(header: #"{"a":\#(entry)}"#, data: data), error)
    }

    init(_ name: String, badEntry: String) {
      self.init(name, entry: badEntry) { .badHeader(file: $0, fault: .badEntry(tensor: "a")) }
    }
  }

  static let headers: [Case] = [
    Case("empty", RawFile()) { .badHeader(file: $0, fault: .tooShort) },
    Case("seven bytes", RawFile(Array(repeating: 1, count: 7))) { .badHeader(file: $0, fault: .tooShort) },
    Case("header of no bytes", length: 0, .lengthOutOfRange(0)),
    Case("header of one byte", length: 1, .lengthOutOfRange(1)),
    Case("header of 2^63 bytes", length: 1 << 63, .lengthOutOfRange(.max)),
    Case("header of 2^64 - 1 bytes", length: .max, .lengthOutOfRange(.max)),
    Case("header above the format's limit", length: 100_000_001, .lengthOutOfRange(100_000_001)),
    Case("header longer than the file", RawFile(header: "{}", length: 99)) {
      .truncated(file: $0, expected: 107, found: 10)
    },
    Case("not JSON", RawFile(header: "hello")) { .badHeader(file: $0, fault: .notJSON) },
    Case("a JSON list", RawFile(header: "[1,2]")) { .badHeader(file: $0, fault: .notJSON) },
    Case("not UTF-8", RawFile([2, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFE])) {
      .badHeader(file: $0, fault: .notJSON)
    },
    Case("JSON as deep as it is long", RawFile(header: String(repeating: "[", count: 200_000))) {
      .badHeader(file: $0, fault: .notJSON)
    },
    Case("objects as deep as they are long", RawFile(header: String(repeating: #"{"a":"#, count: 50_000))) {
      .badHeader(file: $0, fault: .notJSON)
    },
    Case("metadata that is a list", RawFile(header: #"{"__metadata__":["a","b"]}"#)) {
      .badHeader(file: $0, fault: .badEntry(tensor: "__metadata__"))
    },
    Case(
      "a tensor that stands twice",
      RawFile(
        header: #"""
          {"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}
          """#, data: 2)
    ) { .badHeader(file: $0, fault: .repeated(tensor: "a")) },
    Case(
      "a tensor that stands twice, once with an escape",
      RawFile(
        header: #"""
          {"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u0061":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}
          """#, data: 2)
    ) { .badHeader(file: $0, fault: .repeated(tensor: "a")) },
  ]

  static let entries: [Case] = [
    Case("entry is a number", badEntry: "7"),
    Case("entry is a list", badEntry: "[]"),
    Case("no type", badEntry: #"{"shape":[4],"data_offsets":[0,16]}"#),
    Case("type is a number", badEntry: #"{"dtype":1,"shape":[4],"data_offsets":[0,16]}"#),
    Case("no shape", badEntry: #"{"dtype":"F32","data_offsets":[0,16]}"#),
    Case("shape is a string", badEntry: #"{"dtype":"F32","shape":"4","data_offsets":[0,16]}"#),
    Case("shape with a fraction", badEntry: #"{"dtype":"F32","shape":[1.5],"data_offsets":[0,6]}"#),
    Case("negative shape", badEntry: #"{"dtype":"F32","shape":[-2,-2],"data_offsets":[0,16]}"#),
    Case(
      "shape whose size overflows",
      badEntry: #"{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,16]}"#),
    Case("shape beyond 64 bits", badEntry: #"{"dtype":"F32","shape":[1e30],"data_offsets":[0,16]}"#),
    Case("no offsets", badEntry: #"{"dtype":"F32","shape":[4]}"#),
    Case("one offset", badEntry: #"{"dtype":"F32","shape":[4],"data_offsets":[0]}"#),
    Case("three offsets", badEntry: #"{"dtype":"F32","shape":[4],"data_offsets":[0,8,16]}"#),
    Case(
      "shape of an unknown type whose size overflows",
      badEntry: #"{"dtype":"F4","shape":[4294967296,4294967296],"data_offsets":[0,16]}"#),
    Case("unknown type beyond the file", entry: #"{"dtype":"F4","shape":[64],"data_offsets":[0,32]}"#) {
      .truncated(file: $0, expected: 95, found: 79)
    },
    Case("offsets reversed", entry: #"{"dtype":"F32","shape":[4],"data_offsets":[16,0]}"#) {
      .outOfRange(file: $0, tensor: "a", begin: 16, end: 0, size: 16)
    },
    Case("negative offset", entry: #"{"dtype":"F32","shape":[4],"data_offsets":[-16,0]}"#) {
      .outOfRange(file: $0, tensor: "a", begin: -16, end: 0, size: 16)
    },
    Case("more bytes than the shape", entry: #"{"dtype":"F32","shape":[3],"data_offsets":[0,16]}"#) {
      .wrongSize(file: $0, tensor: "a", expected: 12, found: 16)
    },
    Case("fewer bytes than the shape", entry: #"{"dtype":"BF16","shape":[3,3],"data_offsets":[0,16]}"#) {
      .wrongSize(file: $0, tensor: "a", expected: 18, found: 16)
    },
    Case("data cut off", entry: #"{"dtype":"F32","shape":[4],"data_offsets":[0,16]}"#, data: 15) {
      .truncated(file: $0, expected: 79, found: 78)
    },
    Case(
      "ten gigabytes in a small file",
      entry: #"{"dtype":"F32","shape":[2684354560],"data_offsets":[0,10737418240]}"#
    ) { .truncated(file: $0, expected: 10_737_418_321, found: 97) },
    Case(
      "the end of all numbers",
      entry: #"{"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]}"#
    ) { .truncated(file: $0, expected: .max, found: 113) },
  ]

  @Test("a bad header is one error", arguments: headers + entries)
  func hostile(_ given: Case) throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("model.safetensors")
    #expect(try given.file.fault(at: path) == given.error(path))
  }

  @Test("overlapping tensors are named, touching and empty ones are fine")
  func overlaps() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("model.safetensors")
    func file(_ first: String, _ second: String) -> RawFile {
      RawFile(
        header: #"""
          {"a":{"dtype":"U8","shape":[8],"data_offsets":[\#(first)]},
          "b":{"dtype":"U8","shape":[8],"data_offsets":[\#(second)]},
          "c":{"dtype":"F32","shape":[0,9],"data_offsets":[4,4]}}
          """#, data: 16)
    }
    #expect(try file("0,8", "7,15").fault(at: path) == .overlap(file: path, tensor: "b", other: "a"))
    #expect(try file("7,15", "0,8").fault(at: path) == .overlap(file: path, tensor: "a", other: "b"))
    #expect(try file("0,8", "0,8").fault(at: path) != nil)
    #expect(try file("0,8", "8,16").fault(at: path) == nil)
    #expect(try file("8,16", "0,8").fault(at: path) == nil)
  }

  @Test("names that look alike are different tensors")
  func names() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("model.safetensors")
    func entry(_ name: String, _ begin: Int) -> String {
      #""\#(name)":{"dtype":"U8","shape":[1],"data_offsets":[\#(begin),\#(begin + 1)]}"#
    }
    // Precomposed and decomposed, a space, capitals, the empty name.
    let names = ["a", "A", " a", "a.", "", "\u{e4}x", "__metadata"]
    let header = names.enumerated().map { entry($1, $0) }.joined(separator: ",")
    try RawFile(header: "{\(header)}", data: names.count).write(to: path)
    let file = try Safetensors(path)
    #expect(Set(file.entries.keys) == Set(names))
    for (index, name) in names.enumerated() { #expect(file.bytes(file.entries[name]!)[0] == UInt8(index)) }
  }

  @Test("a directory, no file, a file in the way of a directory, and a pipe")
  func paths() throws {
    let directory = try TemporaryDirectory()
    let (file, pipe) = (directory.file("file"), directory.file("pipe"))
    try RawFile([1]).write(to: file)
    func error(_ path: String) -> CheckpointError? {
      checkpointError { () throws(CheckpointError) in _ = try Safetensors(path) }
    }
    #expect(error(directory.path) == .isDirectory(file: directory.path))
    #expect(error(directory.file("none")) == .notFound(file: directory.file("none")))
    #expect(error("") == .notFound(file: ""))
    #expect(error(file + "/model") == .unreadable(file: file + "/model", code: ENOTDIR))
    #expect(error("/dev/null") == .badHeader(file: "/dev/null", fault: .tooShort))
    // Nobody ever writes to it: opening must not wait.
    #expect(mkfifo(pipe, 0o600) == 0)
    #expect(error(pipe) == .badHeader(file: pipe, fault: .tooShort))
  }

  @Test("two thousand damaged headers are errors or files, never a crash")
  func damage() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("model.safetensors")
    let header = #"""
      {"__metadata__":{"codec":"{}"},"a.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},
      "b":{"dtype":"BF16","shape":[4,1],"data_offsets":[24,32]},"c":{"dtype":"I8","shape":[],"data_offsets":[32,33]}}
      """#
    let sound = RawFile(header: header, data: 33)
    #expect(try sound.fault(at: path) == nil)
    let tokens = ["-1", "9223372036854775807", "1e99", "null", "[", "}", "\"", "\\u0000", "0,0", "true"].map {
      Array($0.utf8)
    }
    var noise = Noise(18)
    var opened = 0
    for _ in 0..<2000 {
      var file = sound
      for _ in 0..<Int.random(in: 1...3, using: &noise) {
        let place = Int.random(in: 0..<file.bytes.count, using: &noise)
        switch Int.random(in: 0..<5, using: &noise) {
        case 0: file.bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &noise)
        case 1: file.bytes.remove(at: place)
        case 2: file.bytes.insert(contentsOf: tokens.randomElement(using: &noise)!, at: place)
        case 3: file.bytes[place] = UInt8(ascii: "0") + UInt8.random(in: 0..<10, using: &noise)
        default: file.bytes.removeLast(min(file.bytes.count - 1, Int.random(in: 0..<40, using: &noise)))
        }
      }
      guard try file.fault(at: path) == nil else { continue }
      opened += 1
      // Whatever was accepted can be read to its last byte.
      let accepted = try Safetensors(path)
      for entry in accepted.entries.values {
        if let type = entry.type { #expect(accepted.bytes(entry).count == entry.count * type.size) }
      }
    }
    // Both ways were walked.
    #expect(opened > 50 && opened < 1950)
  }
}
