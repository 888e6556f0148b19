/// Everything that is measured about one frame of one session: a row of `frames.csv`.
///
/// Trivially copyable, so that it is filled and logged on the frame path without an allocation. Times are microseconds
/// since the run's epoch; `nil` is "not measured" and becomes an empty field. `docs/Latency.md` defines the columns.
package struct FrameRecord: Sendable, BitwiseCopyable {
  /// Where the sound of a frame came from.
  package enum Source: Int64, Sendable, BitwiseCopyable, CaseIterable {
    /// The model ran for this frame.
    case backbone
    /// The frame was drafted earlier, by multi-token prediction.
    case draft
    /// The step was late, and a drafted frame was played.
    case conceal
    /// Silence, because the model was not ready yet.
    case silence
  }

  package var session: Int64? = 0
  /// The model step, from 0.
  package var frame: Int64? = 0
  /// Index of the last user sample in this frame, at the model's rate, from 0.
  package var userSampleEnd: Int64?

  package var capturedHardware: Int64?
  package var captured: Int64?
  package var encodeStart: Int64?
  package var encodeEnd: Int64?
  package var stepStart: Int64?
  package var backboneEnd: Int64?
  package var textEnd: Int64?
  package var depthEnd: Int64?
  package var draftEnd: Int64?
  package var decodeEnd: Int64?
  package var written: Int64?
  /// Samples that the device still had to play when this frame was written.
  package var playbackDelaySamples: Int64?
  package var played: Int64?
  package var deadline: Int64?

  package var sourceValue: Int64? = Source.backbone.rawValue
  /// Frames in the backbone block that this row belongs to; 0 if no pass ran.
  package var block: Int64? = 1
  package var draftDepth: Int64?
  package var regretText: Float?
  package var regretSemantic: Float?
  package var regretAcoustic: Float?
  /// The mean of these that there are, in nats.
  package var regret: Float? {
    let known = [regretText, regretSemantic, regretAcoustic].compactMap { $0 }
    return known.isEmpty ? nil : known.reduce(0, +) / Float(known.count)
  }

  package var textID: Int64?
  /// Whether the text token is padding or the end of padding.
  package var textIsPadding: Bool?
  package var ownSemantic: Int64?
  package var userSemantic: Int64?
  package var paddingProbability: Float?

  package var cacheFrames: Int64?
  package var cacheBytes: Int64?
  package var weightBytes: Int64?
  package var threads: Int64?
  package var megahertz: Int64?
  package var captureOverruns: Int64? = 0
  package var playbackUnderruns: Int64? = 0

  /// Loudness of the eight 10 ms windows of this frame, both sides. Only the loudness of the whole frame is a column;
  /// the windows serve to find turns.
  package var userLoudness = Loudness.silence
  package var ownLoudness = Loudness.silence

  package init() {}

  /// The time left before the deadline, in microseconds.
  package var slack: Int64? {
    guard let deadline, let written else { return nil }
    return deadline - written
  }

  package var isMiss: Bool? { slack.map { $0 < 0 } }

  package var source: Source? {
    get { sourceValue.flatMap(Source.init) }
    set { sourceValue = newValue?.rawValue }
  }
}

/// The columns of `frames.csv`, in order.
enum FrameTable {
  static let table = CSVTable<FrameRecord>(columns: columns, blank: blank)

  private static let blank: FrameRecord = {
    var record = FrameRecord()
    record.session = nil
    record.frame = nil
    record.sourceValue = nil
    record.block = nil
    record.captureOverruns = nil
    record.playbackUnderruns = nil
    return record
  }()

  private static let columns: [CSVColumn<FrameRecord>] = [
    .integer("session", \.session),
    .integer("frame", \.frame),
    .integer("user_sample_end", \.userSampleEnd),
    .integer("t_cap_hw_us", \.capturedHardware),
    .integer("t_cap_rd_us", \.captured),
    .integer("t_enc0_us", \.encodeStart),
    .integer("t_enc1_us", \.encodeEnd),
    .integer("t_lm0_us", \.stepStart),
    .integer("t_backbone_us", \.backboneEnd),
    .integer("t_txt_us", \.textEnd),
    .integer("t_depth_us", \.depthEnd),
    .integer("t_draft_us", \.draftEnd),
    .integer("t_dec1_us", \.decodeEnd),
    .integer("t_wr_us", \.written),
    .integer("pcm_delay_samples", \.playbackDelaySamples),
    .integer("t_dac_us", \.played),
    .integer("t_deadline_us", \.deadline),
    .derived("slack_us") { $0.slack.map(String.init) ?? "" },
    .derived("miss") { $0.isMiss.map { $0 ? "1" : "0" } ?? "" },
    .choice("source", \.sourceValue, sources),
    .integer("k", \.block),
    .integer("draft_depth", \.draftDepth),
    .decimal("regret_text", \.regretText),
    .decimal("regret_sem", \.regretSemantic),
    .decimal("regret_ac", \.regretAcoustic),
    .integer("text_id", \.textID),
    .flag("text_is_pad", \.textIsPadding),
    .integer("cb0_own", \.ownSemantic),
    .integer("cb0_user", \.userSemantic),
    .decimal("p_pad", \.paddingProbability),
    .decimal("user_rms_dbfs", \.userDecibels, 1),
    .decimal("own_rms_dbfs", \.ownDecibels, 1),
    .integer("kv_len", \.cacheFrames),
    .integer("kv_bytes", \.cacheBytes),
    .integer("weight_bytes", \.weightBytes),
    .integer("threads", \.threads),
    .integer("cpu_mhz", \.megahertz),
    .integer("xrun_cap", \.captureOverruns),
    .integer("xrun_play", \.playbackUnderruns),
    .reserved("motion_tok0"), .reserved("motion_tok1"), .reserved("motion_tok2"), .reserved("motion_tok3"),
    .reserved("motion_tok4"), .reserved("motion_tok5"), .reserved("motion_tok6"), .reserved("motion_tok7"),
    .reserved("motion_lag_us"),
  ]

  private static let sources: [(String, Int64)] = [
    ("backbone", FrameRecord.Source.backbone.rawValue), ("draft", FrameRecord.Source.draft.rawValue),
    ("conceal", FrameRecord.Source.conceal.rawValue), ("silence", FrameRecord.Source.silence.rawValue),
  ]
}

extension FrameRecord {
  fileprivate var userDecibels: Float? {
    get { userLoudness.decibels }
    set { userLoudness.decibels = newValue ?? Loudness.floor }
  }
  fileprivate var ownDecibels: Float? {
    get { ownLoudness.decibels }
    set { ownLoudness.decibels = newValue ?? Loudness.floor }
  }
}
