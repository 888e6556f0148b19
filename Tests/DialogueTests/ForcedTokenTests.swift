import TestSupport
import Testing

@testable import Dialogue

/// Steps whose tokens are given for some rows and drawn for others.
struct ForcedTokenTests {
  /// Steps through `user` with `tokens`, [frames][1 + own].
  private static func talk(
    _ dialogue: Dialogue, _ user: [Int32], forcing tokens: [Int32], seed: UInt64 = 0, isGreedy: Bool = false
  ) -> Talk {
    let streams = dialogue.streams
    var stepper = DialogueStepper(dialogue)
    var state = isGreedy ? dialogue.makeGreedyState() : dialogue.makeState(seed: seed)
    var talk = Talk()
    for frame in 0..<user.count / streams.user {
      var own = [Int32](repeating: -1, count: streams.own)
      var span = own.mutableSpan
      let (heard, rows) = (frame * streams.user, frame * (1 + streams.own))
      let step = stepper.step(
        user.span.extracting(heard..<heard + streams.user),
        forcing: tokens.span.extracting(rows..<rows + 1 + streams.own), into: &span, &state)
      talk.text.append(step.text)
      talk.drawn.append(Array(dialogue.drawnCodes(state)))
      talk.own.append(step.isReady ? own : [])
    }
    return talk
  }

  private static func rows(_ talk: Talk) -> [Int32] { zip(talk.text, talk.drawn).flatMap { [$0] + $1 } }

  @Test("-1 in every row is a free conversation", arguments: ["moshi", "hibiki", "plain", "stt"])
  func free(model: String) throws {
    let dialogue = try Dialogue.golden(model)
    let user = dialogue.babble(80, 30)
    let none = [Int32](repeating: -1, count: 30 * (1 + dialogue.streams.own))
    #expect(Self.talk(dialogue, user, forcing: none, seed: 6) == dialogue.talk(user, seed: 6))
  }

  @Test("tokens that no row has leave it free, as -1 does")
  func beyond() throws {
    let dialogue = try Dialogue.golden()
    let user = dialogue.babble(81, 20)
    let wrong = (0..<20 * (1 + dialogue.streams.own)).map { $0 % 2 == 0 ? Int32.max : Int32.min }
    #expect(Self.talk(dialogue, user, forcing: wrong, seed: 6) == dialogue.talk(user, seed: 6))
  }

  @Test("what was drawn, given in every row, leads to the same", arguments: ["moshi", "hibiki", "plain"])
  func all(model: String) throws {
    let dialogue = try Dialogue.golden(model)
    let user = dialogue.babble(82, 30)
    let said = dialogue.talk(user, seed: 7)
    // Another seed: nothing that is drawn counts.
    #expect(Self.talk(dialogue, user, forcing: Self.rows(said), seed: 8) == said)
  }

  @Test("a given text stays as it is, and the free rows are drawn as the reply to it")
  func mixed() throws {
    let dialogue = try Dialogue.golden()
    let (rows, frames) = (1 + dialogue.streams.own, 30)
    let user = dialogue.babble(83, frames)
    var noise = Noise(84)
    let text = (0..<frames).map { _ in
      Int32.random(in: 0..<Int32(dialogue.streams.textCardinality), using: &noise)
    }
    let tokens = (0..<frames * rows).map { $0 % rows == 0 ? text[$0 / rows] : -1 }
    let mixed = Self.talk(dialogue, user, forcing: tokens, isGreedy: true)
    var state = dialogue.makeGreedyState()
    let free = dialogue.talk(user, &state)
    #expect(mixed.text == text && mixed.drawn != free.drawn)
    // The codes are those of a conversation in which everything is given.
    #expect(Self.talk(dialogue, user, forcing: Self.rows(mixed), isGreedy: true) == mixed)
    // A row that is given and was drawn changes nothing.
    let again = Self.rows(free).enumerated().map { $0 % rows == 0 || $0 % rows == 3 ? $1 : -1 }
    #expect(Self.talk(dialogue, user, forcing: again, isGreedy: true) == free)
  }

  @Test("each conversation of a batch has its own given rows")
  func batch() throws {
    let dialogue = try Dialogue.golden()
    let (streams, frames) = (dialogue.streams, 20)
    let rows = 1 + streams.own
    let user = (0..<2).map { dialogue.babble(85 + UInt64($0), frames) }
    let given = (0..<2).map { lane in (0..<frames * rows).map { $0 % rows == lane ? Int32(5 + $0 % 7) : -1 } }
    let batch = DialogueBatch(dialogue, seeds: [1, 2])
    // The second slot first.
    let order = [1, 0]
    var drawn: [[[Int32]]] = [[], []]
    for frame in 0..<frames {
      let codes = order.flatMap { user[$0][frame * streams.user..<(frame + 1) * streams.user] }
      let tokens = order.flatMap { given[$0][frame * rows..<(frame + 1) * rows] }
      var own = [Int32](repeating: 0, count: 2 * streams.own)
      var span = own.mutableSpan
      batch.step(active: order.span, user: codes.span, forcing: tokens.span, own: &span)
      for slot in 0..<2 { drawn[slot].append(batch.withState(slot) { Array(dialogue.drawnCodes($0)) }) }
    }
    for slot in 0..<2 {
      let alone = Self.talk(dialogue, user[slot], forcing: given[slot], seed: UInt64(slot + 1))
      #expect(drawn[slot] == alone.drawn)
    }
  }
}
