import ArgumentParser
import Dialogue
import Runtime

/// `antiphon bench step`
struct BenchStep: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "step",
    abstract: "One step of the dialogue model.",
    discussion: """
      The window fills up as frames go by: --frames beyond the model's context measures a full one.

      Example:
        antiphon bench step --model models/moshika --threads 2 --flat-out
      """)

  @OptionGroup var options: BenchOptions
  @OptionGroup var model: ModelOptions

  mutating func run() throws {
    let summary = try Self.summary(of: ModelOptions.directory(model.model), threads: model.threads, options)
    Terminal.print(options.json ? summary.json : LatencyText.bench(summary))
  }

  /// Milliseconds of the middle step, one after the other.
  static func median(of directory: String, threads: Int, frames: Int) throws -> Double {
    var options = BenchOptions()
    options.frames = frames
    options.flatOut = true
    options.json = false
    return try summary(of: directory, threads: threads, options).stages[LatencyStage.step.rawValue]?.p50 ?? 0
  }

  private static func summary(
    of directory: String, threads: Int, _ options: BenchOptions
  ) throws -> LatencySummary {
    let dialogue = try Dialogue.open(directory, threads: threads)
    let streams = dialogue.streams
    var user = [Int32](repeating: 0, count: streams.user)
    var own = [Int32](repeating: 0, count: streams.own)
    var state = dialogue.makeState(seed: 1)
    let context = Int64(dialogue.configuration.context)
    Interruption.watch()
    var bench = BenchRun(options, frameTime: 80_000, model: dialogue.path, threads: threads)
    return bench.run { record, clock in
      let frame = record.frame ?? 0
      // Any codes cost the same; these are never twice the same in a row.
      for index in user.indices { user[index] = Int32((Int(frame) * 7 + index * 13) % streams.cardinality) }
      record.stepStart = clock.now()
      var answer = own.mutableSpan
      let step = dialogue.step(user.span, into: &answer, &state)
      record.backboneEnd = clock.time(nanoseconds: step.times.temporal)
      record.textEnd = clock.time(nanoseconds: step.times.text)
      record.depthEnd = clock.time(nanoseconds: step.times.depth)
      record.cacheFrames = min(frame + 1, context)
      record.cacheBytes = min(frame + 1, context) * Int64(dialogue.cacheBytesPerFrame)
      record.weightBytes = Int64(dialogue.bytesPerStep)
    }
  }
}
