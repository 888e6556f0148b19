import ArgumentParser
import AudioIO
import Base
import Codec
import Dialogue
import Foundation
import Latency
import Measure
import Runtime

/// `antiphon bench step`
struct BenchStep: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "step",
    abstract: "Time one step of the dialogue model, for one conversation or several at once.",
    discussion: """
      The window grows with every frame; --frames-in-cache is the number of frames in it at the start. With --codec a \
      frame is encoded before each step and one is decoded after it, as in a conversation. With --shape no model is \
      needed: the weights are random.

      Example:
        antiphon bench step --model models/moshika --threads 2 --flat-out
        antiphon bench step --shape backbone-7b --bits 4 --kv q8 --frames-in-cache 2980 --flat-out
      """)

  @OptionGroup var options: BenchOptions
  @OptionGroup var model: ModelOptions
  @OptionGroup var ahead: PredictionOptions

  @Option(
    help:
      "Use random weights in the shape of a published model: \(ModelShape.allCases.map(\.rawValue).joined(separator: ", "))."
  )
  var shape: Shape?

  @Option(help: "Bits of a weight: 8 or 4; the default is those of the file, or bf16 for a shape.")
  var bits: Int?

  @Option(help: "Frames in the window before the first step.")
  var framesInCache = 0

  @Option(help: "Conversations that take their steps together.")
  var conversations = 1

  @Option(
    help: ArgumentHelp("Encode and decode with this codec too, in one conversation.", valueName: "file"))
  var codec: String?

  @Option(
    help: "Form of the codec's weights: f32 or f16; the default is f16 if that loses nothing of the file.")
  var codecWeights: CodecFormOption?

  @Flag(
    help: """
      Run with the real-time priority of a live session, if the system grants it. Do not combine it with --flat-out: the \
      system stops a program that uses all of its real-time share for 50 ms of every second.
      """)
  var realtime = false

  enum Shape: String, CaseIterable, ExpressibleByArgument {
    case stt1B = "stt-1b"
    case hibiki1B = "hibiki-1b"
    case moshi7B = "moshi-7b"
    case backbone1B = "backbone-1b"
    case backbone2B = "backbone-2b"
    case backbone7B = "backbone-7b"
  }

  func validate() throws {
    guard !realtime || !options.flatOut else {
      throw ValidationError("--realtime does not go with --flat-out.")
    }
    guard ahead.prediction.modules <= 6 else {
      throw ValidationError(
        "--frames-per-pass takes at most 7 frames, and 6 with --early: a drafter has up to 6 modules.")
    }
    guard ahead.framesPerPass != .auto else {
      throw ValidationError("--frames-per-pass takes a number here: the benchmark is what tells which.")
    }
    guard bits == nil || bits == 8 || bits == 4 else { throw ValidationError("--bits takes 8 or 4.") }
    guard (0...100_000_000).contains(framesInCache) else {
      throw ValidationError("--frames-in-cache takes a number from 0 to 100000000.")
    }
    guard (1...256).contains(conversations) else {
      throw ValidationError("--conversations takes a number from 1 to 256.")
    }
    guard conversations == 1 || codec == nil else {
      throw ValidationError("--codec goes with one conversation.")
    }
    guard shape == nil || model.model == nil else {
      throw ValidationError("Name a model or a shape, not both.")
    }
  }

  mutating func run() throws {
    let summary = try summary()
    Terminal.print(
      options.json ? summary.json : LatencyText.bench(summary) + "\n" + StepText.reading(summary))
  }

  private func summary() throws -> LatencySummary {
    let (loaded, workers) = try RealtimeThread.started(by: load)
    Interruption.watch()
    if realtime {
      // The priority is raised only now: reading a model takes seconds without sleeping, which would lose it again.
      RealtimeThread.raise(workers, to: LiveSession.modelPriority)
      if !RealtimeThread.raiseCurrent(to: LiveSession.modelPriority) {
        Terminal.remark("note: the system grants no real-time priority (docs/ALSA.md).")
      }
    }
    var summary = try StepBench(
      loaded.dialogue, codec: loaded.codec, options.pace, threads: model.threads,
      conversations: conversations,
      framesInCache: framesInCache, prediction: ahead.prediction
    ).run(
      name: shape?.rawValue ?? loaded.dialogue.path,
      bits: bits.map(String.init) ?? (shape == nil ? "as in the file" : "bf16"), kv: model.kv.rawValue,
      version: Antiphon.version)
    if realtime { summary.run["priority"] = RealtimeThread.isCurrentRealtime ? "real time" : "as others" }
    return summary
  }

  private func load() throws -> (dialogue: Dialogue, codec: Codec?) {
    let dialogue = try open()
    let codec = try self.codec.map { path in
      try Codec.open(
        path, codebooks: max(dialogue.streams.user, dialogue.streams.own), threads: model.threads,
        weights: codecWeights?.weights)
    }
    return (dialogue, codec)
  }

  private func open() throws -> Dialogue {
    guard let shape = shape.flatMap({ ModelShape(rawValue: $0.rawValue) }) else {
      return try Dialogue.open(
        ModelOptions.directory(model.model), threads: model.threads, bits: bits, cache: model.kv.options,
        isDrafting: ahead.prediction.modules > 0)
    }
    let scratch = FileManager.default.temporaryDirectory.appendingPathComponent(
      "antiphon-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: scratch) }
    return try shape.open(
      in: scratch.path, threads: model.threads, bits: bits, cache: model.kv.options,
      modules: ahead.prediction.modules)
  }
}
