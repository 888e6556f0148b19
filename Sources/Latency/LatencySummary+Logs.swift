extension LatencySummary {
  /// Adds up the rows of both logs.
  /// - Parameter metadata: the head of `frames.csv`.
  package init(metadata: RunMetadata, frames records: [FrameRecord], turns: [Turn]) {
    self.init()
    for key in metadata.keys { run[key] = metadata[key] }
    let frameTime = metadata.positive(RunMetadata.frameMicroseconds) ?? 80_000
    let rate = metadata.positive(RunMetadata.sampleRate) ?? 24_000
    let warmUp = metadata.integer(RunMetadata.warmUpFrames) ?? 0
    let warm = records.filter { ($0.frame ?? 0) >= warmUp }

    frames = Self.frames(records, warm: warm, frameTime: frameTime)
    frames.warmUp = Int(warmUp)
    for stage in LatencyStage.allCases {
      var distribution = Distribution()
      for record in warm { stage.duration(record, rate: rate).map { distribution.record($0) } }
      stages[stage.rawValue] = Percentiles(distribution)
    }
    session = Self.session(records, turns, start: metadata.integer(RunMetadata.startMicroseconds))
    self.turns = Self.turns(turns, minutes: frames.seconds / 60)
  }

  private static func frames(_ records: [FrameRecord], warm: [FrameRecord], frameTime: Int64) -> Frames {
    var frames = Frames()
    frames.count = records.count
    var last: [Int64: Int64] = [:]
    var overruns: [Int64: Int64] = [:]
    var underruns: [Int64: Int64] = [:]
    for record in records {
      let session = record.session ?? 0
      let frame = record.frame ?? 0
      frames.missing += Int(max(frame - (last[session] ?? -1) - 1, 0))
      last[session] = frame
      overruns[session] = record.captureOverruns
      underruns[session] = record.playbackUnderruns
    }
    let seconds = Double(records.count) * Double(frameTime) / 1e6
    let misses = records.count { $0.isMiss == true }
    frames.seconds = rounded(seconds)
    frames.misses = misses
    frames.concealed = records.count { $0.source == .conceal }
    frames.captureOverruns = Int(overruns.values.reduce(0, +))
    frames.playbackUnderruns = Int(underruns.values.reduce(0, +))
    frames.cacheBytes = records.last?.cacheBytes.map { Int($0) }
    if !records.isEmpty {
      frames.missesPerMillion = rounded(Double(misses) / Double(records.count) * 1e6)
      frames.missesPerHour = rounded(Double(misses) / seconds * 3600)
      frames.backbonePassesPerSecond = rounded(Double(records.count { ($0.block ?? 0) > 0 }) / seconds)
    }
    func mean(_ values: [Float]) -> Double? {
      values.isEmpty ? nil : rounded(Double(values.reduce(0, +)) / Double(values.count))
    }
    frames.regretText = mean(records.compactMap(\.regretText))
    frames.regretSemantic = mean(records.compactMap(\.regretSemantic))
    frames.regretAcoustic = mean(records.compactMap(\.regretAcoustic))
    let work = warm.compactMap { LatencyStage.compute.duration($0) }
    if !work.isEmpty {
      frames.realTimeFactor = rounded(Double(work.reduce(0, +)) / Double(work.count) / Double(frameTime))
    }
    let bytes = warm.compactMap(\.weightBytes)
    if !bytes.isEmpty {
      frames.weightBytesPerFrame = rounded(bytes.reduce(0) { $0 + Double($1) } / Double(bytes.count))
    }
    return frames
  }

  private static func session(_ records: [FrameRecord], _ turns: [Turn], start: Int64?) -> Session {
    func milliseconds(_ value: Int64) -> Double { Double(value) / 1000 }
    var session = Session()
    session.loadMilliseconds = start.map(milliseconds)
    let first = records.first { $0.source == .backbone || $0.source == .draft }
    if let ready = first?.written ?? first?.decodeEnd, let start {
      session.untilFirstFrameMilliseconds = milliseconds(ready + start)
    }
    session.firstAudioTokenMilliseconds = records.lazy.compactMap(\.depthEnd).first.map(milliseconds)
    session.firstAudibleSampleMilliseconds = turns.compactMap(\.audible).min().map(milliseconds)
    session.coldFrameMilliseconds =
      records.first.flatMap { LatencyStage.compute.duration($0) }.map(milliseconds)
    return session
  }

  private static let metrics: [(String, @Sendable (Turn) -> Int64?)] = [
    ("user_ms", { $0.user }),
    ("first_text_ms", { $0.untilText }),
    ("first_sem_ms", { $0.untilSemantic }),
    ("first_audible_ms", { $0.untilAudible }),
    ("system_ms", { $0.system }),
    ("algorithmic_ms", { $0.algorithmic }),
    ("out_queue_ms_at_start", { $0.outQueueAtStart }),
    ("boundary_wait_ms", { $0.boundaryWait }),
    ("barge_in_stop_ms", { $0.bargeInStop }),
    ("reply_ms", { $0.reply }),
    ("overlap_ms", { $0.overlap }),
  ]

  private static func turns(_ turns: [Turn], minutes: Double) -> Turns {
    var result = Turns()
    for kind in Turn.Kind.allCases { result.counts[kind.rawValue] = turns.count { $0.kind == kind } }
    if minutes > 0 {
      result.falseStartsPerMinute = rounded(Double(turns.count { $0.kind == .falseStart }) / minutes)
      result.backchannelsPerMinute = rounded(Double(turns.count { $0.kind == .backchannel }) / minutes)
    }
    // How fast the model answers is measured only on replies; how fast it stops, only on interruptions.
    let counted = turns.filter { $0.kind == .reply || $0.kind == .bargeIn }
    for (name, value) in metrics {
      var distribution = Distribution()
      let values = counted.compactMap(value)
      for value in values { distribution.record(value) }
      result.metrics[name] = Percentiles(distribution)
      if values.count >= 2 { result.confidence[name] = Bootstrap.intervals(values) }
    }
    return result
  }

  /// Rounded to three decimals, so that the text of a summary is short and the same on every machine.
  private static func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
}
