import Runtime
import TestSupport
import Testing

/// The whole way of a frame: codec, dialogue model, codec.
@Suite(.enabled(if: WorkCounter.counts)) struct ConversationAllocationTests {
  @Test("a step of a conversation allocates nothing")
  func step() throws {
    let model = try Model.open(Golden.path("tiny-model"))
    var conversation = Conversation(model, seed: 1)
    var noise = Noise(73)
    let frame = noise.floats(conversation.samplesPerFrame).map { $0 * 0.1 }
    var reply = [Float](repeating: 0, count: conversation.samplesPerFrame)
    func step() -> Bool {
      var span = reply.mutableSpan
      return conversation.step(frame.span, into: &span).isReady
    }
    for _ in 0..<4 { _ = step() }
    var isReady = true
    #expect(countAllocations { for _ in 0..<10 { isReady = step() && isReady } } == 0)
    #expect(isReady)
  }

  @Test("a step after the recording's end allocates nothing")
  func after() throws {
    let model = try Model.open(Golden.path("tiny-model"))
    var conversation = Conversation(model, start: .recording, seed: 1)
    var reply = [Float](repeating: 0, count: conversation.samplesPerFrame)
    func step() {
      var span = reply.mutableSpan
      _ = conversation.stepAfterEnd(into: &span)
    }
    for _ in 0..<4 { step() }
    #expect(countAllocations { for _ in 0..<10 { step() } } == 0)
  }
}
