import ArgumentParser
import Measure

/// `antiphon trace`: what a model computes, tensor by tensor, for comparison with another implementation. Hidden in the
/// help.
struct TraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace", abstract: "Write what a model computes as tensors, for tools/parity.",
    shouldDisplay: false, subcommands: [TraceCodec.self, TraceDialogue.self])
}

struct TraceCodec: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "codec", abstract: "pcm F32 [samples] -> codes I32 [codebooks, frames], pcm F32 [samples].")

  @Argument var codec: String
  @Argument var input: String
  @Argument var output: String
  @Option var codebooks = 8
  @Option var threads = 1

  mutating func run() throws {
    try TensorTrace.codec(codec, codebooks: codebooks, threads: threads, input: input, output: output)
  }
}

struct TraceDialogue: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dialogue",
    abstract:
      "codes I32 [steps, user rows] -> text, audio, output, text_logits, audio_logits of greedy steps.")

  @Argument var model: String
  @Argument var input: String
  @Argument var output: String
  @Option var threads = 1

  mutating func run() throws {
    try TensorTrace.dialogue(model, threads: threads, input: input, output: output)
  }
}
