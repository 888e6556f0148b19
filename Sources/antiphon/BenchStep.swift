import ArgumentParser
import AudioIO
import Base
import Codec
import Dialogue
import Foundation
import Kernels
import Runtime

/// `antiphon bench step`
struct BenchStep: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "step",
    abstract: "One step of the dialogue model, or of several conversations at once.",
    discussion: """
      The window fills up as frames go by; --frames-in-cache begins with that many in it. With --codec a frame is \
      encoded before the step and one decoded after it: a whole frame of a conversation. With --shape no model is \
      needed: the weights are of no meaning.

      Example:
        antiphon bench step --model models/moshika --threads 2 --flat-out
        antiphon bench step --shape backbone-7b --bits 4 --kv q8 --frames-in-cache 2980 --flat-out
      """)

  @OptionGroup var options: BenchOptions
  @OptionGroup var model: ModelOptions

  @Option(
    help:
      "A published shape in place of a model: \(ModelShape.allCases.map(\.rawValue).joined(separator: ", "))."
  )
  var shape: Shape?

  @Option(help: "Bits of a weight: 8 or 4; without it, as the file has them, or bf16 for a shape.")
  var bits: Int?

  @Option(help: "Frames that lie in the window before the first step.")
  var framesInCache = 0

  @Option(help: "Conversations that take their steps together.")
  var sessions = 1

  @Option(
    help: ArgumentHelp("Encode and decode with this codec too, in one conversation.", valueName: "file"))
  var codec: String?

  @Option(
    help: "Form of the codec's weights: f32 or f16; without it f16 where that loses nothing of the file.")
  var codecWeights: CodecWord?

  @Flag(
    help: """
      With the real-time priority of a live session, where the system grants it. Not with --flat-out: the system stops \
      such a program for 50 ms of every second that it fills.
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
    guard bits == nil || bits == 8 || bits == 4 else { throw ValidationError("--bits takes 8 or 4.") }
    guard (0...100_000_000).contains(framesInCache) else {
      throw ValidationError("--frames-in-cache takes a number from 0 to 100000000.")
    }
    guard (1...256).contains(sessions) else {
      throw ValidationError("--sessions takes a number from 1 to 256.")
    }
    guard sessions == 1 || codec == nil else { throw ValidationError("--codec goes with one session.") }
    guard shape == nil || model.model == nil else {
      throw ValidationError("Name a model or a shape, not both.")
    }
  }

  mutating func run() throws {
    let summary = try realtime ? prioritized() : summary()
    Terminal.print(
      options.json ? summary.json : LatencyText.bench(summary) + "\n" + StepText.reading(summary))
  }

  private func prioritized() throws -> LatencySummary {
    try RealtimeThread.withThreads(of: LiveSession.modelPriority) {
      let isGranted = RealtimeThread.isCurrentRealtime
      if !isGranted { Terminal.remark("note: the system grants no real-time priority (docs/ALSA.md).") }
      var summary = try summary()
      summary.run["priority"] = isGranted ? "real time" : "as others"
      return summary
    }
  }

  private func summary() throws -> LatencySummary {
    let dialogue = try open()
    let sound = try codec.map { path in
      try SoundStage(
        Codec.open(
          path, codebooks: max(dialogue.streams.user, dialogue.streams.own), threads: model.threads,
          weights: codecWeights?.weights))
    }
    let batch = DialogueBatch(dialogue, seeds: (0..<sessions).map { UInt64($0) })
    for session in 0..<sessions { batch.withState(session) { $0.skip(framesInCache) } }
    Interruption.watch()
    var bench = BenchRun(
      options, frameTime: 80_000, model: shape?.rawValue ?? dialogue.path, threads: model.threads)
    var reading = ReadingSpeed()
    var summary = measure(&bench, dialogue, batch, sound, &reading)
    describe(&summary, dialogue, reading)
    return summary
  }

  /// Milliseconds of the middle step of a model, one after the other.
  static func median(of directory: String, kv: CacheWord, threads: Int, frames: Int) throws -> Double {
    let words = [
      "--model", directory, "--kv", kv.rawValue, "--threads", String(threads), "--frames", String(frames),
      "--flat-out",
    ]
    return try parse(words).summary().stages[LatencyStage.step.rawValue]?.p50 ?? 0
  }

  private func open() throws -> Dialogue {
    guard let shape = shape.flatMap({ ModelShape(rawValue: $0.rawValue) }) else {
      return try Dialogue.open(
        ModelOptions.directory(model.model), threads: model.threads, bits: bits, cache: model.kv.options)
    }
    let scratch = FileManager.default.temporaryDirectory.appendingPathComponent(
      "antiphon-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: scratch) }
    return try shape.open(in: scratch.path, threads: model.threads, bits: bits, cache: model.kv.options)
  }

  private func measure(
    _ bench: inout BenchRun, _ dialogue: Dialogue, _ batch: DialogueBatch, _ sound: SoundStage?,
    _ reading: inout ReadingSpeed
  ) -> LatencySummary {
    let streams = dialogue.streams
    let memory = MemoryProbe()
    let workers = Workers(threads: model.threads)
    var user = [Int32](repeating: 0, count: sessions * streams.user)
    var own = [Int32](repeating: 0, count: sessions * streams.own)
    return bench.run { record, clock in
      let frame = record.frame ?? 0
      // Memory is measured between the frames, not before them: its speed changes with what else the machine does.
      if options.flatOut || frame == 0 { reading.memory.append(memory.measure(workers)) }
      if let sound {
        record.encodeStart = clock.now()
        sound.encode(into: &user, streams.user)
        record.encodeEnd = clock.now()
      } else {
        // Any codes cost the same; these are never twice the same in a row.
        for index in user.indices { user[index] = Int32((Int(frame) * 7 + index * 13) % streams.cardinality) }
      }
      record.stepStart = clock.now()
      var answer = own.mutableSpan
      batch.step(user: user.span, own: &answer)
      let times = batch.result(0).times
      record.backboneEnd = clock.time(nanoseconds: times.temporal)
      record.textEnd = clock.time(nanoseconds: times.text)
      record.depthEnd = clock.time(nanoseconds: times.depth)
      if let sound {
        sound.decode(own, streams.own)
        record.decodeEnd = clock.now()
      }
      let window = window(after: frame, dialogue)
      let microseconds = max((record.depthEnd ?? 0) - (record.stepStart ?? 0), 1)
      reading.steps.append(bytes(dialogue, window) / Double(microseconds) / 1000)
      record.cacheFrames = window
      record.cacheBytes = Int64(sessions) * window * Int64(dialogue.cacheBytesPerFrame)
      record.weightBytes = Int64(dialogue.bytesPerStep + (sound?.bytes ?? 0))
    }
  }

  /// Positions that the step of a frame reads.
  private func window(after frame: Int64, _ dialogue: Dialogue) -> Int64 {
    min(Int64(framesInCache) + frame + 1, Int64(dialogue.configuration.context))
  }

  /// Bytes that a step reads.
  private func bytes(_ dialogue: Dialogue, _ window: Int64) -> Double {
    Double(dialogue.bytesPerStep) + Double(sessions) * Double(window) * Double(dialogue.cacheBytesPerFrame)
  }

  private func describe(_ summary: inout LatencySummary, _ dialogue: Dialogue, _ reading: ReadingSpeed) {
    summary.run["bits"] = bits.map(String.init) ?? (shape == nil ? "as in the file" : "bf16")
    summary.run["kv"] = model.kv.rawValue
    summary.run["sessions"] = String(sessions)
    summary.run["frames_in_cache"] = String(framesInCache)
    summary.run["instruction_set"] = Kernels.name
    summary.run["memory_gigabytes_per_second"] = Figures.fixed(Figures.median(reading.memory), 1)
    if let share = reading.ofMemory { summary.run["of_memory"] = Figures.fixed(share, 3) }
    guard let step = summary.stages[LatencyStage.step.rawValue] else { return }
    let bytes = bytes(dialogue, window(after: Int64(options.frames), dialogue))
    summary.run["bytes_per_step"] = String(Int(bytes))
    summary.run["gigabytes_per_second"] = Figures.fixed(bytes / step.p50 / 1e6, 1)
    summary.run["frames_per_second"] = Figures.fixed(Double(sessions) * 1000 / step.p50, 1)
  }
}
