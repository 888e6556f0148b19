import Checkpoint
import TestSupport
import Testing

@testable import Dialogue

/// The language model against the official generator: 48 greedy steps, a window of 4 positions.
struct DialogueGoldenTests {
  @Test(
    "tokens are the reference's and logits within 1e-3, in every layout of names",
    arguments: [
      ("moshi", "moshi"), ("moshi-candle", "moshi"), ("moshi-plural", "moshi"), ("hibiki", "hibiki"),
      ("hibiki-candle", "hibiki"), ("hibiki-plural", "hibiki"), ("stt", "stt"), ("plain", "plain"),
    ])
  func golden(model: String, traces: String) throws {
    let dialogue = try Dialogue.open(Golden.path("tiny-dialogue/\(model)"))
    let (shape, user) = try Golden.open("tiny-dialogue/\(traces)/input.safetensors").int32s("codes", rank: 2)
    let expected = try Golden.open("tiny-dialogue/\(traces)/output.safetensors")
    let trace = try dialogue.trace(user, steps: shape[0])
    #expect(trace.text == (try expected.int32s("text", rank: 1).values))
    #expect(largestDifference(trace.textLogits, try expected.floats("text_logits", rank: 2).values) <= 1e-3)
    if dialogue.streams.own > 0 {
      #expect(trace.audio == (try expected.int32s("audio", rank: 2).values))
      #expect(
        largestDifference(trace.audioLogits, try expected.floats("audio_logits", rank: 3).values) <= 1e-3)
      #expect(trace.output == (try expected.int32s("output", rank: 2).values))
    }
    if dialogue.configuration.extraHeads.count > 0 {
      #expect(largestDifference(trace.extraHeads, try expected.floats("extra_heads", rank: 3).values) <= 1e-4)
    }
  }
}
