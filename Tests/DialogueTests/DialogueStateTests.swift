import TestSupport
import Testing

@testable import Dialogue

/// Seeds, forks, conditions and delays on the golden models.
struct DialogueStateTests {
  @Test("the same seed says the same, another seed something else")
  func seeds() throws {
    let dialogue = try Dialogue.golden()
    let user = dialogue.babble(1, 30)
    let first = dialogue.talk(user, seed: 1)
    #expect(dialogue.talk(user, seed: 1) == first)
    #expect(dialogue.talk(user, seed: 2).drawn != first.drawn)
    #expect(dialogue.talk(user, seed: 2).text != first.text)
  }

  @Test("what is heard changes what is said")
  func hears() throws {
    let dialogue = try Dialogue.golden()
    var a = dialogue.makeGreedyState()
    var b = dialogue.makeGreedyState()
    let first = dialogue.talk(dialogue.babble(1, 30), &a)
    let second = dialogue.talk(dialogue.babble(2, 30), &b)
    #expect(first.text != second.text)
  }

  @Test(
    "a fork draws the same tokens, whatever the original hears meanwhile",
    arguments: ["moshi", "hibiki", "plain"])
  func fork(model: String) throws {
    let dialogue = try Dialogue.golden(model)
    let user = dialogue.babble(3, 30)
    let (before, after) = (
      Array(user[..<(11 * dialogue.streams.user)]), Array(user[(11 * dialogue.streams.user)...])
    )
    let straight = dialogue.talk(user, seed: 4)
    var state = dialogue.makeState(seed: 4)
    let begin = dialogue.talk(before, &state)
    var copy = state.fork()
    _ = dialogue.talk(dialogue.babble(5, 9), &state)
    let end = dialogue.talk(after, &copy)
    #expect(begin + end == straight)
    #expect(copy.steps == 30)
  }

  @Test("a fork keeps its sampling")
  func forkedSampling() throws {
    let dialogue = try Dialogue.golden()
    var state = dialogue.makeState()
    state.textSampling = Sampling(temperature: 0.1, topK: 3)
    state.audioSampling = .greedy
    let copy = state.fork()
    #expect(copy.textSampling == Sampling(temperature: 0.1, topK: 3) && copy.audioSampling == .greedy)
  }

  @Test("what comes out is what was drawn, with the delays undone", arguments: ["moshi", "hibiki", "plain"])
  func delays(model: String) throws {
    let dialogue = try Dialogue.golden(model)
    let streams = dialogue.streams
    let talk = dialogue.talk(dialogue.babble(6, 25), seed: 7)
    for step in 0..<25 {
      guard step >= streams.maxDelay else {
        #expect(talk.own[step].isEmpty)
        continue
      }
      let frame = step - streams.maxDelay
      #expect(talk.own[step] == (0..<streams.own).map { talk.drawn[frame + streams.delays[1 + $0]][$0] })
    }
  }

  @Test("a user's code is heard once its delay has passed, not before")
  func userDelays() throws {
    // User rows of this model have delays 0 and 2.
    let dialogue = try Dialogue.golden("plain")
    let streams = dialogue.streams
    #expect(streams.userRows.map { streams.delays[$0] } == [0, 2])
    let user = dialogue.babble(8, 12)
    func logits(changing row: Int) throws -> [[Float]] {
      var changed = user
      changed[4 * streams.user + row] = (changed[4 * streams.user + row] + 1) % Int32(streams.cardinality)
      let (a, b) = (try dialogue.trace(user, steps: 12), try dialogue.trace(changed, steps: 12))
      let size = dialogue.configuration.textOutputs
      return (0..<12).map { step in
        (0..<size).map { a.textLogits[step * size + $0] - b.textLogits[step * size + $0] }
      }
    }
    for row in 0..<2 {
      let first = try logits(changing: row).firstIndex { $0.contains { $0 != 0 } }
      #expect(first == 4 + streams.delays[1 + streams.own + row])
    }
  }

  @Test("a condition is part of every step; the usual one is used where none is named")
  func conditions() throws {
    let dialogue = try Dialogue.golden("hibiki")
    let user = dialogue.babble(9, 6)
    let usual = try dialogue.trace(user, steps: 6).textLogits
    #expect(try dialogue.trace(user, steps: 6, conditions: ["description": "very_good"]).textLogits == usual)
    #expect(try dialogue.trace(user, steps: 6, conditions: ["description": "bad"]).textLogits != usual)
  }

  @Test("two states of one model do not touch each other")
  func interleaved() throws {
    let dialogue = try Dialogue.golden()
    let (first, second) = (dialogue.babble(10, 20), dialogue.babble(11, 20))
    let alone = (dialogue.talk(first, seed: 1), dialogue.talk(second, seed: 2))
    var a = dialogue.makeState(seed: 1)
    var b = dialogue.makeState(seed: 2)
    var (x, y) = (Talk(), Talk())
    let width = dialogue.streams.user
    for frame in 0..<20 {
      x = x + dialogue.talk(Array(first[frame * width..<(frame + 1) * width]), &a)
      y = y + dialogue.talk(Array(second[frame * width..<(frame + 1) * width]), &b)
    }
    #expect(x == alone.0 && y == alone.1)
  }

  @Test("threads do not change what is said", arguments: [2, 3])
  func threads(count: Int) throws {
    let path = Golden.path("tiny-dialogue/moshi")
    let (one, many) = (try Dialogue.open(path), try Dialogue.open(path, threads: count))
    let user = one.babble(12, 20)
    #expect(many.talk(user, seed: 3) == one.talk(user, seed: 3))
  }
}
