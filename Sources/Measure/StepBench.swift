internal import AudioIO
internal import Base
package import Codec
package import Dialogue
internal import Kernels
package import Latency
internal import Runtime

/// Measures steps of the dialogue model, for one conversation or several at once, with or without the codec.
package struct StepBench {
  private let dialogue: Dialogue
  private let codec: Codec?
  private let pace: BenchRun.Pace
  private let threads: Int
  private let conversations: Int
  private let framesInCache: Int
  private let prediction: Prediction

  /// - Parameters:
  ///   - codec: a codec that encodes before each step and decodes after it; for one conversation only.
  ///   - conversations: conversations that take their steps together.
  ///   - framesInCache: frames in the window before the first step.
  ///   - prediction: how far the conversations run ahead of the backbone, in every step.
  package init(
    _ dialogue: Dialogue, codec: Codec?, _ pace: BenchRun.Pace, threads: Int, conversations: Int = 1,
    framesInCache: Int = 0, prediction: Prediction = .none
  ) {
    self.dialogue = dialogue
    self.codec = codec
    self.pace = pace
    self.threads = threads
    self.conversations = conversations
    self.framesInCache = framesInCache
    self.prediction = prediction
  }

  /// Runs the steps.
  ///
  /// - Parameters:
  ///   - name: name of the model, for the head of the log.
  ///   - bits: bits of its weights, as text.
  ///   - kv: form of its keys and values, as text.
  package func run(name: String, bits: String, kv: String, version: String) throws -> LatencySummary {
    let batch = DialogueBatch(dialogue, seeds: (0..<conversations).map { UInt64($0) })
    for conversation in 0..<conversations {
      try batch.withState(conversation) {
        try $0.predict(prediction)
        $0.jump(framesInCache)
      }
    }
    var bench = BenchRun(pace, frameTime: 80_000, model: name, threads: threads, version: version)
    var reading = ReadingSpeed()
    var summary = measure(&bench, batch, codec.map(BenchSound.init), &reading)
    describe(&summary, bits: bits, kv: kv, reading)
    return summary
  }

  private func measure(
    _ bench: inout BenchRun, _ batch: DialogueBatch, _ sound: BenchSound?,
    _ reading: inout ReadingSpeed
  ) -> LatencySummary {
    let streams = dialogue.streams
    let memory = MemoryProbe()
    let workers = Workers(threads: threads)
    var user = [Int32](repeating: 0, count: conversations * streams.user)
    var own = [Int32](repeating: 0, count: conversations * streams.own)
    return bench.run { record, clock in
      let frame = record.frame ?? 0
      // Memory is measured between the frames, because its speed changes with what other programs do.
      if pace.isFlatOut || frame == 0 { reading.memory.append(memory.measure(workers)) }
      let begin = clock.now()
      if let sound {
        record.encodeStart = clock.now()
        sound.encode(into: &user, streams.user)
        record.encodeEnd = clock.now()
      } else {
        // The time does not depend on the codes, but they vary from frame to frame anyway.
        for index in user.indices { user[index] = Int32((Int(frame) * 7 + index * 13) % streams.cardinality) }
      }
      record.stepStart = clock.now()
      var answer = own.mutableSpan
      batch.step(user: user.span, own: &answer, clock: clock.run)
      let times = batch.result(0).times
      record.backboneEnd = times.backbone
      record.textEnd = times.text
      record.depthEnd = times.depth
      if let sound {
        sound.decode(own, streams.own)
        record.decodeEnd = clock.now()
      }
      let window = window(after: frame)
      let result = batch.result(0)
      (record.block, record.draftDepth) = (Int64(result.positions), Int64(result.draftDepth))
      if result.draftEnd > 0 { record.draftEnd = result.draftEnd }
      let microseconds = max(max(record.depthEnd ?? 0, result.draftEnd) - (record.stepStart ?? 0), 1)
      reading.frames.append(Double(clock.now() - begin) / 1000)
      let hasPass = result.positions > 0
      if hasPass { reading.steps.append(bytes(window) / Double(microseconds) / 1000) }
      record.cacheFrames = window
      record.cacheBytes = Int64(conversations) * window * Int64(dialogue.cacheBytesPerFrame)
      record.weightBytes = Int64((hasPass ? dialogue.bytesPerStep : 0) + (sound?.bytes ?? 0))
    }
  }

  /// Positions that the step of this frame reads.
  private func window(after frame: Int64) -> Int64 {
    min(Int64(framesInCache) + frame + 1, Int64(dialogue.configuration.context))
  }

  /// Bytes that a step reads.
  private func bytes(_ window: Int64) -> Double {
    Double(dialogue.bytesPerStep) + Double(conversations) * Double(window)
      * Double(dialogue.cacheBytesPerFrame)
  }

  private func describe(_ summary: inout LatencySummary, bits: String, kv: String, _ reading: ReadingSpeed) {
    summary.run["bits"] = bits
    summary.run["kv"] = kv
    summary.run["conversations"] = String(conversations)
    if prediction != .none {
      summary.run["early"] = prediction.isEarly ? "1" : "0"
      summary.run["frames_per_pass"] = String(prediction.framesPerPass)
      let groups = reading.groups(of: prediction.framesPerPass)
      summary.run["frames_of_a_pass_p99_ms"] = NumberText.fixed(Statistics.quantile(groups, 0.99), 1)
    }
    summary.run["frames_in_cache"] = String(framesInCache)
    summary.run["instruction_set"] = Kernels.name
    summary.run["memory_gigabytes_per_second"] = NumberText.fixed(Statistics.median(reading.memory), 1)
    if let share = reading.ofMemory { summary.run["of_memory"] = NumberText.fixed(share, 3) }
    guard let step = summary.stages[LatencyStage.step.rawValue] else { return }
    let bytes = bytes(window(after: Int64(pace.frames)))
    summary.run["bytes_per_step"] = String(Int(bytes))
    summary.run["gigabytes_per_second"] = NumberText.fixed(Statistics.median(reading.steps), 1)
    let perFrame =
      prediction.framesPerPass == 1
      ? step.p50
      : Statistics.median(reading.groups(of: prediction.framesPerPass)) / Double(prediction.framesPerPass)
    summary.run["frames_per_second"] = NumberText.fixed(Double(conversations) * 1000 / perFrame, 1)
  }
}

/// How fast steps read their weights and caches, and how fast memory is read between them, in gigabytes per second.
private struct ReadingSpeed {
  /// One measurement before each step.
  var memory: [Double] = []
  var steps: [Double] = []
  /// Work for each frame, in milliseconds.
  var frames: [Double] = []

  /// Work for so many frames one after the other: those that share a pass of the backbone.
  func groups(of count: Int) -> [Double] {
    stride(from: 0, through: frames.count - count, by: count).map { start in
      frames[start..<start + count].reduce(0, +)
    }
  }

  /// Median share of the memory's speed that a step reaches, each compared with the measurements before and after it;
  /// nil if memory was not measured between steps.
  var ofMemory: Double? {
    guard memory.count == steps.count, steps.count > 1 else { return nil }
    let passes = zip(memory, memory.dropFirst()).map { (before, after) -> Double in (before + after) / 2 }
    return Statistics.median(zip(steps, passes).map { (step, pass) -> Double in step / pass })
  }
}

/// A codec that encodes before a step and decodes after it.
private final class BenchSound {
  private let codec: Codec
  private var encoder: EncoderState
  private var decoder: DecoderState
  private let frame: [Float]
  private let codes: [Int32]
  private let tone = ToneSource(frequency: 220)

  init(_ codec: Codec) {
    self.codec = codec
    encoder = codec.makeEncoderState()
    decoder = codec.makeDecoderState()
    frame = [Float](repeating: 0, count: codec.configuration.samplesPerFrame)
    codes = [Int32](repeating: 0, count: codec.configuration.codebooks)
  }

  /// Bytes of weights that a frame reads.
  var bytes: Int { codec.bytesPerFrame.encode + codec.bytesPerFrame.decode }

  func encode(into user: inout [Int32], _ count: Int) {
    var (sound, coded) = (frame, codes)
    var samples = sound.mutableSpan
    _ = tone.read(into: &samples)
    var into = coded.mutableSpan
    codec.encode(sound.span, into: &into, &encoder)
    for index in 0..<count { user[index] = coded[index] }
  }

  func decode(_ own: [Int32], _ count: Int) {
    guard count > 0 else { return }
    var sound = frame
    var samples = sound.mutableSpan
    codec.decode(own.span.extracting(0..<count), into: &samples, &decoder)
  }
}
