import TestSupport
import Testing

@testable import Dialogue

/// The frame path of the dialogue model takes no memory from the heap once a conversation stands.
@Suite(.enabled(if: WorkCounter.counts)) struct DialogueAllocationTests {
  @Test(
    "a step allocates nothing, drawn or greedy",
    arguments: ["moshi", "hibiki", "plain", "stt"], [true, false])
  func step(model: String, isGreedy: Bool) throws {
    let dialogue = try Dialogue.golden(model)
    var stepper = DialogueStepper(dialogue)
    var state = isGreedy ? dialogue.makeGreedyState() : dialogue.makeState(seed: 1)
    let user = dialogue.babble(71, 1)
    var own = [Int32](repeating: 0, count: dialogue.streams.own)
    func step() {
      var span = own.mutableSpan
      _ = stepper.step(user.span, into: &span, &state)
    }
    for _ in 0..<6 { step() }
    #expect(countAllocations { for _ in 0..<10 { step() } } == 0)
  }

  @Test("a step of a batch allocates nothing")
  func batch() throws {
    let dialogue = try Dialogue.golden()
    let batch = DialogueBatch(dialogue, seeds: [1, 2, 3])
    let user = dialogue.babble(72, 3)
    var own = [Int32](repeating: 0, count: 3 * dialogue.streams.own)
    func step() {
      var span = own.mutableSpan
      batch.step(user: user.span, own: &span)
    }
    for _ in 0..<6 { step() }
    #expect(countAllocations { for _ in 0..<10 { step() } } == 0)
  }
}
