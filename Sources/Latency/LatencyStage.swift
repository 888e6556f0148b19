/// A stage of a frame, as the difference of two columns of `frames.csv`.
package enum LatencyStage: String, CaseIterable, Sendable {
  case queue = "queue_ms"
  case encode = "encode_ms"
  case backbone = "backbone_ms"
  case text = "text_ms"
  case depth = "depth_ms"
  case step = "step_ms"
  case decode = "decode_ms"
  case write = "write_ms"
  case compute = "frame_compute_ms"
  case total = "frame_total_ms"
  case slack = "frame_slack_ms"
  case captureAge = "capture_age_ms"
  case mouthToToken = "mouth_to_token_ms"
  case tokenToEar = "token_to_ear_ms"
  case outQueue = "out_queue_ms"

  /// The stage's duration in microseconds; nil if the run does not measure it. `rate` is samples per second.
  package func duration(_ record: FrameRecord, rate: Int64 = 24_000) -> Int64? {
    let mouth = record.capturedHardware ?? record.captured
    let ear = record.played ?? record.written
    return switch self {
    case .queue: Self.between(record.captured, record.encodeStart)
    case .encode: Self.between(record.encodeStart, record.encodeEnd)
    case .backbone: Self.between(record.stepStart, record.backboneEnd)
    case .text: Self.between(record.backboneEnd, record.textEnd)
    case .depth: Self.between(record.textEnd, record.depthEnd)
    case .step: Self.between(record.stepStart, record.depthEnd)
    case .decode: Self.between(record.depthEnd, record.decodeEnd)
    case .write: Self.between(record.decodeEnd, record.written)
    case .compute: Self.compute(record)
    case .total: Self.between(record.captured, record.written)
    case .slack: record.slack
    case .captureAge: Self.between(mouth, record.stepStart)
    case .mouthToToken: Self.between(mouth, record.depthEnd)
    case .tokenToEar: Self.between(record.depthEnd, ear)
    case .outQueue: record.playbackDelaySamples.map { $0 * 1_000_000 / rate }
    }
  }

  private static func between(_ earlier: Int64?, _ later: Int64?) -> Int64? {
    guard let earlier, let later else { return nil }
    return later - earlier
  }

  /// The time that the machine worked on this frame, not counting the waits between stages.
  private static func compute(_ record: FrameRecord) -> Int64? {
    let parts = [LatencyStage.encode, .step, .decode].compactMap { $0.duration(record) }
    return parts.isEmpty ? nil : parts.reduce(0, +)
  }
}
