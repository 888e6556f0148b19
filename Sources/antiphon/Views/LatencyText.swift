import Base
import Latency
import Runtime

/// A latency summary as lines of text.
enum LatencyText {
  static func text(_ summary: LatencySummary) -> String {
    [run(summary), frames(summary), drafts(summary), stages(summary), turns(summary), session(summary)]
      .filter { !$0.isEmpty }.joined(separator: "\n\n")
  }

  /// The same for a run without a conversation.
  static func bench(_ summary: LatencySummary) -> String {
    [run(summary), frames(summary), stages(summary)].joined(separator: "\n\n")
  }

  private static func run(_ summary: LatencySummary) -> String {
    let wanted = ["run_id", "version", "model", "threads", "cpu_model", "governor"]
    return wanted.compactMap { key in summary.run[key].map { "\(key) \($0)" } }.joined(separator: ", ")
  }

  private static func frames(_ summary: LatencySummary) -> String {
    let frames = summary.frames
    var line = "\(frames.count) frames (\(NumberText.fixed(frames.seconds, 1)) s), \(frames.misses) late"
    if frames.missing > 0 { line += ", \(frames.missing) not logged" }
    if frames.concealed > 0 { line += ", \(frames.concealed) concealed" }
    if frames.captureOverruns + frames.playbackUnderruns > 0 {
      line += ", \(frames.captureOverruns) overruns, \(frames.playbackUnderruns) underruns"
    }
    // Only the smallest slack matters; a row of percentiles would show the largest.
    if let slack = summary.stages[LatencyStage.slack.rawValue] {
      line += ", least slack \(NumberText.fixed(slack.min, 1)) ms"
    }
    if let factor = frames.realTimeFactor { line += "; real-time factor \(NumberText.fixed(factor, 3))" }
    if frames.warmUp > 0 { line += "; percentiles leave out the first \(frames.warmUp) frames" }
    return line
  }

  /// Of multi-token prediction; empty where nothing was drafted.
  private static func drafts(_ summary: LatencySummary) -> String {
    let frames = summary.frames
    let regrets = [
      ("text", frames.regretText), ("first codes", frames.regretSemantic),
      ("other codes", frames.regretAcoustic),
    ].compactMap { name, value in value.map { "\(name) \(NumberText.fixed($0, 2))" } }
    guard !regrets.isEmpty else { return "" }
    let passes = NumberText.fixed(frames.backbonePassesPerSecond, 1)
    return
      "\(passes) backbone passes a second; regret of what was drafted, in nats: \(regrets.joined(separator: ", "))"
  }

  private static func stages(_ summary: LatencySummary) -> String {
    rows("milliseconds", LatencyStage.allCases.filter { $0 != .slack }.map(\.rawValue), summary.stages)
  }

  private static func turns(_ summary: LatencySummary) -> String {
    let counts = Turn.Kind.allCases.compactMap { kind -> String? in
      guard let count = summary.turns.counts[kind.rawValue], count > 0 else { return nil }
      return "\(count) \(kind.rawValue)"
    }
    guard !counts.isEmpty else { return "no turns" }
    let names = [
      "first_text_ms", "first_sem_ms", "first_audible_ms", "system_ms", "algorithmic_ms", "boundary_wait_ms",
      "out_queue_ms_at_start", "barge_in_stop_ms", "reply_ms", "overlap_ms",
    ]
    let table = rows("turns", names, summary.turns.metrics)
    return "turns: " + counts.joined(separator: ", ") + (table.isEmpty ? "" : "\n" + table)
  }

  private static func session(_ summary: LatencySummary) -> String {
    let session = summary.session
    let values: [(String, Double?)] = [
      ("load_ms", session.loadMilliseconds), ("session_ttft_ms", session.untilFirstFrameMilliseconds),
      ("first_audio_token_ms", session.firstAudioTokenMilliseconds),
      ("first_audible_sample_ms", session.firstAudibleSampleMilliseconds),
      ("cold_frame_ms", session.coldFrameMilliseconds),
    ]
    return TextTable.text(values.compactMap { name, value in value.map { [name, NumberText.fixed($0, 1)] } })
  }

  private static func rows(
    _ title: String, _ names: [String], _ values: [String: LatencySummary.Percentiles]
  ) -> String {
    let rows = names.compactMap { name in
      values[name].map { value in
        [name] + [value.p50, value.p90, value.p95, value.p99, value.max].map { NumberText.fixed($0, 2) }
          + ["\(value.count)"]
      }
    }
    return rows.isEmpty ? "" : TextTable.text([[title, "p50", "p90", "p95", "p99", "max", "count"]] + rows)
  }
}
