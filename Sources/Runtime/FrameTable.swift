/// The columns of `frames.csv`, in order.
enum FrameTable {
  static let table = Table<FrameRecord>(columns: columns, blank: blank)

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

  private static let columns: [Column<FrameRecord>] = [
    .integer("session", \.session),
    .integer("frame", \.frame),
    .integer("user_sample_end", \.userSampleEnd),
    .integer("t_cap_hw_us", \.capturedHardware),
    .integer("t_cap_rd_us", \.captured),
    .integer("t_enc0_us", \.encodeStart),
    .integer("t_enc1_us", \.encodeEnd),
    .integer("t_lm0_us", \.stepStart),
    .integer("t_bb1_us", \.backboneEnd),
    .integer("t_txt_us", \.textEnd),
    .integer("t_dep1_us", \.depthEnd),
    .integer("t_mctp1_us", \.predictionEnd),
    .integer("t_dec1_us", \.decodeEnd),
    .integer("t_wr_us", \.written),
    .integer("pcm_delay_frames", \.playbackDelaySamples),
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
    ("backbone", FrameRecord.Source.backbone.rawValue), ("mctp", FrameRecord.Source.prediction.rawValue),
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
