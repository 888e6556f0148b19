import Checkpoint
import TestSupport
import Testing

/// Fields of config.json: each of its kind and in its range, or an error that names it.
struct FieldsTests {
  private func fields(_ json: String) throws -> Fields { try Fields(Array(json.utf8), path: "config.json") }

  private func bad(_ field: String, _ expected: String, _ found: String) -> CheckpointError {
    .badField(file: "config.json", field: field, expected: expected, found: found)
  }

  @Test("what is there is read, what is null or absent has its usual value")
  func values() throws {
    let fields = try fields(
      #"{"s":"x","n":1.5,"i":7,"f":true,"l":[1,2],"t":["a"],"o":{"i":3},"null":null,"whole":4.0}"#)
    #expect(try fields.string("s") == "x")
    #expect(try fields.number("n") == 1.5)
    #expect(try fields.number("i") == 7)
    #expect(try fields.integer("i", 0...9) == 7)
    #expect(try fields.integer("whole", 0...9) == 4)
    #expect(try fields.flag("f", default: false))
    #expect(try fields.integers("l", 0...9) == [1, 2])
    #expect(try fields.strings("t") == ["a"])
    #expect(try fields.object("o")?.integer("i", 0...9) == 3)
    for name in ["null", "absent"] {
      #expect(!fields.has(name))
      #expect(try fields.string(name, default: "d") == "d")
      #expect(try fields.number(name, default: 2.5) == 2.5)
      #expect(try fields.integer(name, default: 3, 0...9) == 3)
      #expect(try fields.flag(name, default: true))
      #expect(try fields.integers(name, 0...9) == nil)
      #expect(try fields.strings(name) == nil)
      #expect(try fields.object(name) == nil)
    }
    #expect(fields.names == ["f", "i", "l", "n", "null", "o", "s", "t", "whole"])
  }

  @Test(
    "an integer is whole, in its range, and neither a string nor true",
    arguments: [
      ("1.5", "1.5"), ("-1", "-1"), ("10", "10"), ("\"7\"", "7"), ("1e30", "1e+30"), ("[7]", nil),
      ("true", nil),
    ])
  func integers(value: String, found: String?) throws {
    let fields = try fields(#"{"o":{"i":\#(value)}}"#)
    let object = try #require(try fields.object("o"))
    let error = checkpointError { () throws(CheckpointError) in _ = try object.integer("i", 0...9) }
    guard case .badField("config.json", "o.i", "an integer from 0 to 9", let text) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    if let found { #expect(text == found) }
  }

  @Test("the error of a required field that is absent says so")
  func absent() throws {
    let fields = try fields("{}")
    #expect(
      checkpointError { () throws(CheckpointError) in _ = try fields.integer("dim", 1...9) }
        == bad("dim", "an integer from 1 to 9", "nothing"))
    #expect(
      checkpointError { () throws(CheckpointError) in _ = try fields.string("name") }
        == bad("name", "a string", "nothing"))
    #expect(
      checkpointError { () throws(CheckpointError) in _ = try fields.number("x") }
        == bad("x", "a number", "nothing"))
  }

  @Test("every kind refuses every other kind")
  func kinds() throws {
    let values = [
      "string": "\"x\"", "number": "1.5", "flag": "true", "object": "{}", "integers": "[1]",
      "strings": "[\"x\"]",
    ]
    for (kind, value) in values {
      let fields = try fields(#"{"v":\#(value)}"#)
      func refuses(_ name: String, _ body: () throws(CheckpointError) -> Void) {
        #expect((checkpointError(body) == nil) == (name == kind), "\(kind) read as \(name)")
      }
      refuses("string") { () throws(CheckpointError) in _ = try fields.string("v") }
      refuses("number") { () throws(CheckpointError) in _ = try fields.number("v") }
      refuses("flag") { () throws(CheckpointError) in _ = try fields.flag("v", default: false) }
      refuses("object") { () throws(CheckpointError) in _ = try fields.object("v") }
      refuses("integers") { () throws(CheckpointError) in _ = try fields.integers("v", 0...9) }
      refuses("strings") { () throws(CheckpointError) in _ = try fields.strings("v") }
    }
  }

  @Test(
    "lists of integers are checked one by one",
    arguments: ["[1,10]", "[-1]", "[1,1.5]", "[1,null]", "[[1]]", "[true]"])
  func lists(value: String) throws {
    let fields = try fields(#"{"v":\#(value)}"#)
    #expect(checkpointError { () throws(CheckpointError) in _ = try fields.integers("v", 0...9) } != nil)
  }

  @Test(
    "what is no JSON object is refused with its beginning",
    arguments: ["", "[]", "7", "{", "<!DOCTYPE html><html><head><title>Not found</title>"])
  func notObjects(text: String) throws {
    let error = checkpointError { () throws(CheckpointError) in
      _ = try Fields(Array(text.utf8), path: "config.json")
    }
    #expect(error == bad("(the whole file)", "a JSON object", String(text.prefix(40))))
  }

  @Test("objects inside objects without end are refused, not followed")
  func deep() {
    let text = String(repeating: #"{"a":"#, count: 100_000)
    #expect(
      checkpointError { () throws(CheckpointError) in _ = try Fields(Array(text.utf8), path: "config.json") }
        != nil)
  }

  @Test("a file of fields that is absent, a directory, or empty")
  func files() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("config.json")
    #expect(
      checkpointError { () throws(CheckpointError) in _ = try Fields(file: path) } == .notFound(file: path))
    #expect(
      checkpointError { () throws(CheckpointError) in _ = try Fields(file: directory.path) }
        == .isDirectory(file: directory.path))
    try RawFile().write(to: path)
    #expect(
      checkpointError { () throws(CheckpointError) in _ = try Fields(file: path) }
        == .badField(file: path, field: "(the whole file)", expected: "a JSON object", found: ""))
  }
}
