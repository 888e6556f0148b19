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
      for slot in 0..<3 {
        let step = batch.result(slot)
        together[slot].text.append(step.text)
        together[slot].drawn.append(batch.withState(slot) { Array(dialogue.drawnCodes($0)) })
        together[slot].own.append(
          step.isReady ? Array(own[slot * streams.own..<(slot + 1) * streams.own]) : [])
      }
    }
    #expect(together == alone)
    #expect(Set(together.map(\.text)).count == 3)
  }

  @Test("conversations come and go, pause and resume, and each says what it would say alone")
  func comeAndGo() throws {
    let dialogue = try Dialogue.golden()
    let streams = dialogue.streams
    let users = (0..<3).map { dialogue.babble(70 + $0, 30) }
    let alone = (0..<3).map { dialogue.talk(users[$0], seed: UInt64(5 + $0)) }
    let batch = try DialogueBatch(dialogue, capacity: 2)
    var (drawn, heard) = ([[[Int32]]](repeating: [], count: 3), [0, 0, 0])
    // (slot, conversation) of each lane.
    func step(_ lanes: [(slot: Int, who: Int)]) {
      let user = lanes.flatMap {
        users[$0.who][heard[$0.who] * streams.user..<(heard[$0.who] + 1) * streams.user]
      }
      let slots = lanes.map(\.slot)
      var own = [Int32](repeating: -1, count: lanes.count * streams.own)
      var span = own.mutableSpan
      batch.step(active: slots.span, user: user.span, own: &span)
      for (lane, (slot, who)) in lanes.enumerated() {
        drawn[who].append(batch.withState(slot) { Array(dialogue.drawnCodes($0)) })
        let result = batch.result(slot)
        #expect(result.text == alone[who].text[heard[who]])
        let codes = Array(own[lane * streams.own..<(lane + 1) * streams.own])
        #expect(!result.isReady || codes == alone[who].own[heard[who]])
        heard[who] += 1
      }
    }
    let first = try batch.admit(dialogue.makeState(seed: 5))
    for _ in 0..<4 { step([(first, 0)]) }
    let second = try batch.admit(dialogue.makeState(seed: 6))
    for _ in 0..<6 { step([(second, 1), (first, 0)]) }
    for _ in 0..<3 { step([(second, 1)]) }
    // The first goes, the third takes its slot, and the first comes back for the second.
    let away = try batch.release(first)
    #expect(!batch.isOccupied(first) && batch.count == 1)
    let third = try batch.admit(dialogue.makeState(seed: 7))
    #expect(third == first)
    for _ in 0..<5 { step([(third, 2), (second, 1)]) }
    _ = try batch.release(second)
    let again = try batch.admit(away)
    for _ in 0..<8 { step([(again, 0), (third, 2)]) }
    step([])
    #expect(heard == [18, 14, 13])
    for who in 0..<3 { #expect(drawn[who] == Array(alone[who].drawn.prefix(heard[who]))) }
  }

  @Test("the backbone's hidden state can be read after a step, before its norm and after it")
  func hidden() throws {
    let dialogue = try Dialogue.golden()
    var stepper = DialogueStepper(dialogue)
    var state = dialogue.makeState(seed: 1)
    let batch = DialogueBatch(dialogue, seeds: [4, 1])
    let user = dialogue.babble(73, 3)
    for frame in 0..<3 {
      let codes = Array(user[frame * 8..<(frame + 1) * 8])
      var one = [Int32](repeating: 0, count: 8)
      var two = [Int32](repeating: 0, count: 16)
      var said = one.mutableSpan
      var bothSaid = two.mutableSpan
      _ = stepper.step(codes.span, into: &said, &state)
      batch.step(user: (codes + codes).span, own: &bothSaid)
    }
    let (single, both) = (stepper.hidden, batch.hidden(lanes: 2))
    let width = dialogue.configuration.width
    #expect(single.width == width && single.count == 1 && both.count == 2)
    func row(_ values: UnsafePointer<Float>, _ lane: Int) -> [Float] {
      (0..<width).map { values[lane * width + $0] }
    }
    #expect(row(single.raw, 0) == row(both.raw, 1) && row(single.normed, 0) == row(both.normed, 1))
    #expect(row(single.raw, 0) != row(single.normed, 0) && row(both.raw, 0) != row(both.raw, 1))
    #expect(row(single.normed, 0).contains { $0 != 0 })
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
      for slot in 0..<2 { text[slot].append(batch.result(slot).text) }
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
    try dialogue.prefill(user: user.span, text: text.span, own: own.span, &block)
    var single = dialogue.makeState(seed: 3)
    for frame in 0..<40 {
      try dialogue.prefill(
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
    try dialogue.prefill(user: before.span, text: said.text.span, own: own.span, &given)
    let expected = dialogue.talk(rest, &live)
    let after = dialogue.talk(rest, &given)
    #expect(after == expected)
  }

  @Test("no frames are no prompt")
  func empty() throws {
    let dialogue = try Dialogue.golden()
    var state = dialogue.makeState(seed: 1)
    let none: [Int32] = []
    try dialogue.prefill(user: none.span, text: none.span, own: none.span, &state)
    #expect(state.steps == 0)
    let user = dialogue.babble(61, 5)
    let talk = dialogue.talk(user, &state)
    #expect(talk == dialogue.talk(user, seed: 1))
  }
}
