/// What the logs of a run add up to: `latency.json`.
///
/// It follows from `frames.csv` and `turns.csv` and from nothing else. Times are milliseconds.
package struct LatencySummary: Codable, Equatable, Sendable {
  /// A quantity in milliseconds.
  package struct Percentiles: Codable, Equatable, Sendable {
    package let count: Int
    package let min: Double
    package let p50: Double
    package let p90: Double
    package let p95: Double
    package let p99: Double
    package let max: Double
  }

  /// An interval that holds a percentile with 95 % confidence, by resampling turns.
  package struct Interval: Codable, Equatable, Sendable {
    package let low: Double
    package let high: Double
  }

  package struct Frames: Codable, Equatable, Sendable {
    package var count = 0
    /// Frames that the log has no row for.
    package var missing = 0
    /// Frames at the start of each session that the percentiles leave out.
    package var warmUp = 0
    package var seconds = 0.0
    package var misses = 0
    package var missesPerMillion = 0.0
    package var missesPerHour = 0.0
    package var concealed = 0
    package var captureOverruns = 0
    package var playbackUnderruns = 0
    /// Time spent on a frame as a part of the time that it lasts, over all frames after the warm-up.
    package var realTimeFactor: Double?
    /// Bytes of weights read, mean over frames.
    package var weightBytesPerFrame: Double?
    package var cacheBytes: Int?
    package var backbonePassesPerSecond = 0.0
  }

  package struct Session: Codable, Equatable, Sendable {
    /// From the start of the process to the moment that sound could be taken.
    package var loadMilliseconds: Double?
    /// From the start of the process to the end of the first frame that could answer.
    package var untilFirstFrameMilliseconds: Double?
    /// From the run's epoch to the first code that the model chose.
    package var firstAudioTokenMilliseconds: Double?
    /// From the run's epoch to the first sample of the model that can be heard.
    package var firstAudibleSampleMilliseconds: Double?
    /// The first frame's encode, step and decode together: what a cold machine takes.
    package var coldFrameMilliseconds: Double?
  }

  package struct Turns: Codable, Equatable, Sendable {
    package var counts: [String: Int] = [:]
    package var falseStartsPerMinute = 0.0
    package var backchannelsPerMinute = 0.0
    /// By column of `turns.csv`.
    package var metrics: [String: Percentiles] = [:]
    /// By column, then by percentile.
    package var confidence: [String: [String: Interval]] = [:]
  }

  /// Version of this layout.
  package var format = 1
  package var frames = Frames()
  package var session = Session()
  /// By stage; `docs/Latency.md` says between which columns each one is.
  package var stages: [String: Percentiles] = [:]
  package var turns = Turns()
  /// The head of `frames.csv`: machine, model, settings.
  package var run: [String: String] = [:]

  package init() {}
}

extension LatencySummary.Percentiles {
  /// `nil` when nothing was recorded.
  init?(_ distribution: Distribution) {
    guard distribution.count > 0 else { return nil }
    func milliseconds(_ value: Int64) -> Double { Double(value) / 1000 }
    self.init(
      count: distribution.count, min: milliseconds(distribution.minimum),
      p50: milliseconds(distribution.percentile(50)), p90: milliseconds(distribution.percentile(90)),
      p95: milliseconds(distribution.percentile(95)), p99: milliseconds(distribution.percentile(99)),
      max: milliseconds(distribution.maximum))
  }
}
