import TestSupport
import Testing

@testable import Dialogue

/// Several conversations at once, and prompts, against one conversation step by step.
struct DialogueBatchTests {
  @Test(
    "three conversations at once say what each says alone, token for token",
    arguments: ["moshi", "hibiki", "plain"])
  func batch(model: String) throws {
    let dialogue = try Dialogue.golden(model)
    let streams = dialogue.streams
    let users = (0..<3).map { dialogue.babble(20 + $0, 30) }
    let alone = (0..<3).map { dialogue.talk(users[$0], seed: UInt64(5 + $0)) }
    let batch = DialogueBatch(dialogue, seeds: [5, 6, 7])
    var together = [Talk(), Talk(), Talk()]
    for frame in 0..<30 {
      let user = users.flatMap { $0[frame * streams.user..<(frame + 1) * streams.user] }
      var own = [Int32](repeating: -1, count: 3 * streams.own)
      var span = own.mutableSpan
      batch.step(user: user.span, own: &span)
      for session in 0..<3 {
        let step = batch.result(session)
        together[session].text.append(step.text)
        together[session].drawn.append(batch.withState(session) { Array(dialogue.drawnCodes($0)) })
        together[session].own.append(
          step.isReady ? Array(own[session * streams.own..<(session + 1) * streams.own]) : [])
      }
    }
    #expect(together == alone)
    #expect(Set(together.map(\.text)).count == 3)
  }

  @Test("a batch of what only listens")
  func listeners() throws {
    let dialogue = try Dialogue.golden("stt")
    let users = (0..<2).map { dialogue.babble(30 + $0, 12) }
    let batch = DialogueBatch(dialogue, seeds: [1, 2])
    var text: [[Int32]] = [[], []]
    for frame in 0..<12 {
      let user = users.flatMap { $0[frame * 8..<(frame + 1) * 8] }
      var own: [Int32] = []
      var span = own.mutableSpan
      batch.step(user: user.span, own: &span)
      for session in 0..<2 { text[session].append(batch.result(session).text) }
    }
    #expect(text == users.map { dialogue.talk($0).text })
  }

  @Test("a conversation in a batch can be another one's fork, or begin anew, between steps")
  func replace() throws {
    let dialogue = try Dialogue.golden()
    let (before, after) = (dialogue.babble(40, 10), dialogue.babble(41, 10))
    var state = dialogue.makeState(seed: 9)
    _ = dialogue.talk(before, &state)
    let batch = DialogueBatch(dialogue, seeds: [1, 2])
    func step(_ frame: Int) {
      let codes = Array(after[frame * 8..<(frame + 1) * 8])
      var own = [Int32](repeating: 0, count: 16)
      var span = own.mutableSpan
      batch.step(user: (codes + codes).span, own: &span)
    }
    for frame in 0..<4 { step(frame) }
    let fork = state.fork()
    batch.withState(1) { $0 = fork.fork() }
    let expected = dialogue.talk(after, &state)
    var text: [Int32] = []
    for frame in 0..<10 {
      step(frame)
      text.append(batch.result(1).text)
    }
    #expect(text == expected.text)
  }

  @Test(
    "a prompt in blocks is as many single given steps, and what follows is the same",
    arguments: ["moshi", "hibiki", "plain"])
  func prefill(model: String) throws {
    let dialogue = try Dialogue.golden(model)
    let streams = dialogue.streams
    // 40 frames: two full blocks and a part of one, through a window of 4.
    let user = dialogue.babble(50, 40)
    var noise = Noise(51)
    let text = (0..<40).map { _ in Int32.random(in: 0..<Int32(streams.textCardinality), using: &noise) }
    let own = (0..<40 * streams.own).map { _ in
      Int32.random(in: 0..<Int32(streams.cardinality), using: &noise)
    }
    var block = dialogue.makeState(seed: 3)
    dialogue.prefill(user: user.span, text: text.span, own: own.span, &block)
    var single = dialogue.makeState(seed: 3)
    for frame in 0..<40 {
      dialogue.prefill(
        user: user.span.extracting(frame * streams.user..<(frame + 1) * streams.user),
        text: text.span.extracting(frame..<frame + 1),
        own: own.span.extracting(frame * streams.own..<(frame + 1) * streams.own), &single)
    }
    #expect(block.steps == 40 && single.steps == 40)
    let more = dialogue.babble(52, 12)
    let after = dialogue.talk(more, &block)
    let expected = dialogue.talk(more, &single)
    #expect(after == expected)
    // It matters what was said before.
    #expect(after != dialogue.talk(more, seed: 3))
  }

  @Test(
    "what was drawn once and is then given leads on to the same", arguments: ["moshi", "hibiki", "plain"])
  func replay(model: String) throws {
    let dialogue = try Dialogue.golden(model)
    let user = dialogue.babble(60, 45)
    let split = 33 * dialogue.streams.user
    let (before, rest) = (Array(user[..<split]), Array(user[split...]))
    var live = dialogue.makeGreedyState()
    let said = dialogue.talk(before, &live)
    let own = said.drawn.flatMap { $0 }
    var given = dialogue.makeGreedyState()
    dialogue.prefill(user: before.span, text: said.text.span, own: own.span, &given)
    let expected = dialogue.talk(rest, &live)
    let after = dialogue.talk(rest, &given)
    #expect(after == expected)
  }

  @Test("no frames are no prompt")
  func empty() throws {
    let dialogue = try Dialogue.golden()
    var state = dialogue.makeState(seed: 1)
    let none: [Int32] = []
    dialogue.prefill(user: none.span, text: none.span, own: none.span, &state)
    #expect(state.steps == 0)
    let user = dialogue.babble(61, 5)
    let talk = dialogue.talk(user, &state)
    #expect(talk == dialogue.talk(user, seed: 1))
  }
}
