import TestSupport
import Testing

@testable import Dialogue

/// What a caller can get wrong is an error that says so, and never the end of the program.
struct DialogueErrorTests {
  private static let path = Golden.path("tiny-dialogue/moshi")

  private static func sizes() throws -> (width: Int, layers: Int) {
    let dialogue = try Dialogue.golden()
    let width = dialogue.configuration.width
    // Keys and values of a layer in f32.
    return (width, dialogue.cacheBytesPerFrame / (2 * 4 * width))
  }

  @Test("a number of threads that there cannot be is named", arguments: [Int.min, -1, 0, 1025, .max])
  func threads(count: Int) {
    #expect(
      throws: DialogueError.badArgument(
        name: "threads", expected: "a number from 1 to 1024", found: "\(count)")
    ) { try Dialogue.open(Self.path, threads: count) }
  }

  @Test("weights have 8 or 4 bits, and no others", arguments: [-8, 0, 1, 5, 16, 32])
  func bits(count: Int) {
    #expect(throws: DialogueError.badArgument(name: "bits", expected: "8 or 4", found: "\(count)")) {
      try Dialogue.open(Self.path, bits: count)
    }
  }

  @Test("a condition that the model does not have is named, with those that it has")
  func conditionName() throws {
    let dialogue = try Dialogue.golden("hibiki")
    let error: DialogueError? = caught { _ = try dialogue.makeState(conditions: ["tempo": "fast"]) }
    #expect(error == .unknownCondition(name: "tempo", known: ["description"]))
    #expect(throws: DialogueError.unknownCondition(name: "description", known: [])) {
      _ = try Dialogue.golden("moshi").makeState(conditions: ["description": "bad"])
    }
  }

  @Test("a value that a condition does not have is named, with those that it has")
  func conditionValue() throws {
    let dialogue = try Dialogue.golden("hibiki")
    let known = dialogue.configuration.conditions[0].values
    let error: DialogueError? = caught { _ = try dialogue.makeState(conditions: ["description": "loud"]) }
    #expect(error == .unknownValue(condition: "description", value: "loud", known: known))
    let traced: DialogueError? = caught {
      _ = try dialogue.trace([], steps: 0, conditions: ["description": "loud"])
    }
    #expect(traced == error)
    for value in known { _ = try dialogue.makeState(conditions: ["description": value]) }
  }

  @Test("positions of a cache that are no number of positions are named", arguments: [-1, 1_000_001, .max])
  func positions(count: Int) {
    var (recent, pinned) = (CacheOptions(), CacheOptions())
    recent.recent = count
    pinned.pinned = count
    for (options, name) in [(recent, "cache.recent"), (pinned, "cache.pinned")] {
      #expect(
        throws: DialogueError.badArgument(
          name: name, expected: "a number from 0 to 1000000", found: "\(count)")
      ) { try Dialogue.open(Self.path, cache: options) }
    }
  }

  @Test("a layer of a cache that the model does not have is named")
  func layers() throws {
    let last = try Self.sizes().layers - 1
    for layer in [-1, last + 1] {
      var options = CacheOptions()
      options.layers = [layer: .f16]
      #expect(
        throws: DialogueError.badArgument(
          name: "cache.layers", expected: "a number from 0 to \(last)", found: "\(layer)")
      ) { try Dialogue.open(Self.path, cache: options) }
    }
  }

  @Test("key folds are as many as layers and pairs of channels, and above 0")
  func folds() throws {
    let (width, count) = try Self.sizes()
    func error(_ folds: [[Float]]) -> DialogueError? {
      var options = CacheOptions()
      options.keyFolds = folds
      return caught { _ = try Dialogue.open(Self.path, cache: options) }
    }
    let ones = [Float](repeating: 1, count: width / 2)
    let all = Array(repeating: ones, count: count)
    #expect(error(all) == nil)
    #expect(error([]) == .wrongCount(name: "cache.keyFolds", expected: count, found: 0))
    #expect(
      error(all.map { Array($0.dropLast()) })
        == .wrongCount(
          name: "a layer's cache.keyFolds", expected: width / 2, found: width / 2 - 1))
    for wrong in [0, -1, .nan, .infinity, .leastNonzeroMagnitude] as [Float] {
      #expect(
        error(all.map { [wrong] + $0.dropFirst() })
          == .badArgument(name: "cache.keyFolds", expected: "numbers above 0", found: "\(wrong)"))
    }
  }

  @Test("key folds come from keys in f32, and no others say so")
  func foldedKeys() throws {
    let dialogue = try Dialogue.open(Self.path, cache: CacheOptions(.f16))
    let state = dialogue.makeState()
    let error: DialogueError? = caught { _ = try dialogue.keyFolds(state) }
    #expect(error == .badArgument(name: "cache", expected: "f32 in every layer", found: "f16"))
  }

  @Test("a prompt has as many codes as its text has frames, and none that the model does not know")
  func prompts() throws {
    let dialogue = try Dialogue.golden()
    let streams = dialogue.streams
    func error(user: Int = 8, text: Int = 1, own: Int = 8, token: Int32 = 0) -> DialogueError? {
      var state = dialogue.makeState()
      let (user, own) = ([Int32](repeating: 0, count: user), [Int32](repeating: token, count: own))
      let text = [Int32](repeating: 0, count: text)
      return caught { try dialogue.prefill(user: user.span, text: text.span, own: own.span, &state) }
    }
    #expect(error() == nil && error(token: Int32(streams.cardinality)) == nil && error(token: -1) == nil)
    #expect(error(user: 7) == .wrongCount(name: "user", expected: 8, found: 7))
    #expect(error(own: 9) == .wrongCount(name: "own", expected: 8, found: 9))
    #expect(error(text: 2) == .wrongCount(name: "user", expected: 16, found: 8))
    let beyond = Int32(streams.cardinality) + 1
    #expect(
      error(token: beyond)
        == .badArgument(name: "own", expected: "tokens of at most \(streams.cardinality)", found: "\(beyond)")
    )
  }

  @Test("a trace hears as many frames as it takes steps")
  func traces() throws {
    let dialogue = try Dialogue.golden()
    #expect(throws: DialogueError.wrongCount(name: "user", expected: 16, found: 8)) {
      try dialogue.trace([Int32](repeating: 0, count: 8), steps: 2)
    }
  }

  @Test("a state of another model is refused")
  func anotherModel() throws {
    let (dialogue, other) = (try Dialogue.golden(), try Dialogue.golden())
    let batch = try DialogueBatch(dialogue, capacity: 1)
    #expect(throws: DialogueError.anotherModel) { _ = try batch.admit(other.makeState()) }
    var state = other.makeState()
    let none: [Int32] = []
    let error: DialogueError? = caught {
      try dialogue.prefill(user: none.span, text: none.span, own: none.span, &state)
    }
    #expect(error == .anotherModel)
    let foldsError: DialogueError? = caught { _ = try dialogue.keyFolds(state) }
    #expect(foldsError == .anotherModel)
  }

  @Test("a batch has a size, and no more conversations than slots")
  func slots() throws {
    let dialogue = try Dialogue.golden()
    for capacity in [-1, 0, 1025] {
      #expect(
        throws: DialogueError.badArgument(
          name: "capacity", expected: "a number from 1 to 1024", found: "\(capacity)")
      ) { _ = try DialogueBatch(dialogue, capacity: capacity) }
    }
    let batch = try DialogueBatch(dialogue, capacity: 1)
    #expect(try batch.admit(dialogue.makeState()) == 0)
    #expect(throws: DialogueError.batchIsFull(capacity: 1)) { _ = try batch.admit(dialogue.makeState()) }
    for slot in [-1, 1, .max] {
      #expect(throws: DialogueError.emptySlot(slot: slot)) { _ = try batch.release(slot) }
    }
    _ = try batch.release(0)
    #expect(throws: DialogueError.emptySlot(slot: 0)) { _ = try batch.release(0) }
    #expect(DialogueBatch(dialogue, seeds: []).count == 0)
  }
}
