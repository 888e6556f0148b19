import Codec
import Dialogue
import TestSupport
import Testing

@testable import Runtime

@Suite("Conversations in a batch")
struct ConversationBatchTests {
  private let model: Model
  private let size: Int

  init() throws {
    model = try Model.open(Golden.path("tiny-model"))
    size = model.codec.configuration.samplesPerFrame
  }

  private func sound(_ seed: UInt64, frames: Int) -> [Float] {
    var noise = Noise(seed)
    return noise.floats(frames * size).map { $0 * 0.1 }
  }

  /// What a conversation says alone, with what each step told.
  private func alone(
    _ conversation: consuming Conversation, _ sound: [Float]
  ) -> (sound: [Float], tokens: [Int32]) {
    var (said, tokens): ([Float], [Int32]) = ([], [])
    for start in stride(from: 0, to: sound.count, by: size) {
      var reply = [Float](repeating: 0, count: size)
      var span = reply.mutableSpan
      tokens.append(conversation.step(sound.span.extracting(start..<start + size), into: &span).text)
      said += reply
    }
    return (said, tokens)
  }

  @Test("each says what it says alone, to the last bit, whoever comes and goes")
  func equal() throws {
    let frames = 12
    let sounds = [sound(5, frames: frames), sound(6, frames: frames), sound(7, frames: frames)]
    let wanted = [
      alone(Conversation(model, seed: 1), sounds[0]),
      alone(Conversation(model, start: .recording, seed: 2), sounds[1]),
      alone(Conversation(model, seed: 3), Array(sounds[2][(4 * size)...])),
    ]
    let batch = try ConversationBatch(model, capacity: 3)
    #expect(try batch.admit(model.dialogue.makeState(seed: 1)) == 0)
    #expect(try batch.admit(model.dialogue.makeState(seed: 2), start: .recording) == 1)
    var said: [[Float]] = [[], [], []]
    var tokens: [[Int32]] = [[], [], []]
    for frame in 0..<frames {
      if frame == 4 { #expect(try batch.admit(model.dialogue.makeState(seed: 3)) == 2) }
      if frame == 8 { #expect(try batch.release(0).steps == 8) }
      let present = [0, 1, 2].filter { $0 == 1 || ($0 == 0 ? frame < 8 : frame >= 4) }
      let heard = present.flatMap { Array(sounds[$0][frame * size..<(frame + 1) * size]) }
      var replies = [Float](repeating: 0, count: heard.count)
      var span = replies.mutableSpan
      batch.step(heard.span, into: &span)
      for (lane, slot) in present.enumerated() {
        said[slot] += replies[lane * size..<(lane + 1) * size]
        tokens[slot].append(batch.result(slot).text)
      }
    }
    #expect(said[0] == Array(wanted[0].sound[..<(8 * size)]) && tokens[0] == Array(wanted[0].tokens[..<8]))
    #expect(said[1] == wanted[1].sound && tokens[1] == wanted[1].tokens)
    #expect(said[2] == wanted[2].sound && tokens[2] == wanted[2].tokens)
    #expect(said[1].contains { $0 != 0 })
  }

  @Test("a conversation goes on from a state as if it had never stopped")
  func resumed() throws {
    let sound = sound(9, frames: 10)
    var state = model.dialogue.makeState(seed: 4)
    let streams = model.dialogue.streams
    let (user, text) = ([Int32](repeating: 1, count: 3 * streams.user), [Int32](repeating: 3, count: 3))
    let own = [Int32](repeating: 2, count: 3 * streams.own)
    try model.dialogue.prefill(user: user.span, text: text.span, own: own.span, &state)
    let other = state.fork()
    let first = alone(try Conversation(model, from: state), sound)
    let second = alone(try Conversation(model, from: other, start: .recording), sound)
    // What has begun hears every frame once, however it is asked to start.
    #expect(first.sound == second.sound && first.tokens == second.tokens)
    #expect(first.tokens != alone(Conversation(model, seed: 4), sound).tokens)
  }

  @Test("a state of another model is refused")
  func foreign() throws {
    let other = try Model.open(Golden.path("tiny-model"))
    #expect(throws: DialogueError.anotherModel) {
      _ = try Conversation(model, from: other.dialogue.makeState())
    }
  }

  @Test("a step of a batch allocates nothing")
  func allocations() throws {
    let batch = try ConversationBatch(model, capacity: 2)
    for seed in 0..<2 { _ = try batch.admit(model.dialogue.makeState(seed: UInt64(seed))) }
    let heard = sound(3, frames: 2)
    var replies = heard
    func step() {
      var span = replies.mutableSpan
      batch.step(heard.span, into: &span)
    }
    for _ in 0..<4 { step() }
    #expect(countAllocations { for _ in 0..<10 { step() } } == 0)
  }
}
