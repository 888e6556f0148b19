internal import Base
import FoundationEssentials

/// The summary of a run's logs: `latency.json`.
///
/// It depends on `frames.csv` and `turns.csv` alone. Times are milliseconds.
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

  /// A 95 % confidence interval of a percentile, by resampling turns.
  package struct Interval: Codable, Equatable, Sendable {
    package let low: Double
    package let high: Double
  }

  package struct Frames: Codable, Equatable, Sendable {
    package var count = 0
    /// Frames without a row in the log.
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
    /// Work as a share of the duration of the sound, over all frames after the warm-up.
    package var realTimeFactor: Double?
    /// Bytes of weights read, mean over frames.
    package var weightBytesPerFrame: Double?
    package var cacheBytes: Int?
    package var backbonePassesPerSecond = 0.0
    /// Nats, means over the frames that have any: how unlikely the backbone finds what was said as drafted.
    package var regretText: Double?
    package var regretSemantic: Double?
    package var regretAcoustic: Double?
  }

  package struct Session: Codable, Equatable, Sendable {
    /// From the start of the process until it could take in sound.
    package var loadMilliseconds: Double?
    /// From the start of the process to the end of the first frame that could contain an answer.
    package var untilFirstFrameMilliseconds: Double?
    /// From the run's epoch to the first code that the model chose.
    package var firstAudioTokenMilliseconds: Double?
    /// From the run's epoch to the first audible sample of the model.
    package var firstAudibleSampleMilliseconds: Double?
    /// Encode, step and decode of the first frame together: the time on a cold machine.
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
  /// By stage; `docs/Latency.md` gives the columns that each one lies between.
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

extension LatencySummary {
  /// The text of `latency.json`, with sorted keys and the same names as in the tables.
  package var json: String {
    guard let text = try? JSON.text(self, isPretty: true) else {
      preconditionFailure("every number is finite")
    }
    return text
  }

  /// `nil` for text that is not a summary.
  package init?(json: String) {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    guard let summary = try? decoder.decode(LatencySummary.self, from: Data(json.utf8)) else { return nil }
    self = summary
  }

  /// The values in which `found` differs, each with its path.
  func differences(_ found: LatencySummary, file: String) -> [LatencyMismatch] {
    let (expected, found) = (leaves, found.leaves)
    return Set(expected.keys).union(found.keys).sorted().compactMap { path in
      guard expected[path] != found[path] else { return nil }
      return LatencyMismatch(
        place: "\(file): \(path)", expected: expected[path] ?? "", found: found[path] ?? "")
    }
  }

  private var leaves: [String: String] {
    var result: [String: String] = [:]
    let tree = try? JSONDecoder().decode(JSONTree.self, from: Data(json.utf8))
    tree?.leaves("", into: &result)
    return result
  }
}

/// Any JSON value as its leaves, so that two texts can be compared value by value.
indirect enum JSONTree: Decodable {
  case object([String: JSONTree])
  case array([JSONTree])
  case leaf(String)

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let object = try? container.decode([String: JSONTree].self) {
      self = .object(object)
    } else if let array = try? container.decode([JSONTree].self) {
      self = .array(array)
    } else if let number = try? container.decode(Double.self) {
      self = .leaf("\(number)")
    } else if let flag = try? container.decode(Bool.self) {
      self = .leaf("\(flag)")
    } else if let text = try? container.decode(String.self) {
      self = .leaf(text)
    } else {
      self = .leaf("null")
    }
  }

  /// Adds every leaf under its path, such as `stages.encode_ms.p50`.
  func leaves(_ path: String, into result: inout [String: String]) {
    let stem = path.isEmpty ? "" : path + "."
    switch self {
    case .object(let object): for (key, node) in object { node.leaves(stem + key, into: &result) }
    case .array(let array):
      for (index, node) in array.enumerated() { node.leaves(stem + "\(index)", into: &result) }
    case .leaf(let text): result[path] = text
    }
  }
}
