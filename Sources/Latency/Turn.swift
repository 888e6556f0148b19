internal import Base

/// One exchange between the person and the model: a row of `turns.csv`. Times are microseconds since the run's
/// epoch, and differences are microseconds; `docs/Latency.md` defines each and says when it is nil.
package struct Turn: Sendable, Equatable {
  package enum Kind: String, Sendable, CaseIterable {
    /// The model answered what the person had said.
    case reply
    /// The person spoke while the model was speaking.
    case bargeIn = "barge_in"
    /// A short sound of the model while the person went on speaking.
    case backchannel
    /// The model took the floor while the person had not finished.
    case falseStart = "false_start"
    /// The model spoke before the person had said anything.
    case opening
    /// The person spoke and the model did not answer.
    case unanswered
  }

  /// Where the times of the person's speech come from.
  package enum Reference: String, Sendable, CaseIterable {
    /// Supplied with the sound.
    case label
    /// Detected by loudness.
    case vad
  }

  package var session: Int64? = 0
  package var number: Int64? = 0
  package var kind: Kind?
  package var reference: Reference?
  package var userStart: Int64?
  package var userEnd: Int64?
  package var firstText: Int64?
  package var firstSemantic: Int64?
  package var firstReady: Int64?
  package var firstPlayed: Int64?
  package var audible: Int64?
  package var decisionFrames: Int64?
  package var system: Int64?
  package var algorithmic: Int64?
  package var outQueueAtStart: Int64?
  package var boundaryWait: Int64?
  package var bargeInStop: Int64?
  package var reply: Int64?
  package var overlap: Int64?
  package var meanBlock: Float?
  package var backbonePasses: Int64?
  package var concealedFrames: Int64?
  package var misses: Int64?
  package var worstSlack: Int64?
  package var meanRegret: Float?
  package var ownText: String?
  package var heardText: String?
  package var wordErrorRate: Float?
  package var notes: String?

  package init() {}

  package var user: Int64? { difference(userEnd, userStart) }
  /// From the end of the person's speech to the model's first word.
  package var untilText: Int64? { difference(firstText, userEnd) }
  /// From the end of the person's speech to the first code of audible sound.
  package var untilSemantic: Int64? { difference(firstSemantic, userEnd) }
  /// From the end of the person's speech to the first audible sample: the response time.
  package var untilAudible: Int64? { difference(audible, userEnd) }

  private func difference(_ later: Int64?, _ earlier: Int64?) -> Int64? {
    guard let later, let earlier else { return nil }
    return later - earlier
  }
}

/// The columns of `turns.csv`, in order.
enum TurnTable {
  static let table = CSVTable<Turn>(columns: columns, blank: Turn())

  private static let columns: [CSVColumn<Turn>] = [
    .integer("session", \.session),
    .integer("turn", \.number),
    .choice("kind", \.kind, Turn.Kind.allCases.map { ($0.rawValue, $0) }),
    .choice("ref", \.reference, Turn.Reference.allCases.map { ($0.rawValue, $0) }),
    .integer("t_user_start_us", \.userStart),
    .integer("t_user_end_us", \.userEnd),
    .derived("user_ms") { $0.user.map(NumberText.milliseconds) ?? "" },
    .integer("t_text1_us", \.firstText),
    .integer("t_sem1_us", \.firstSemantic),
    .integer("t_ready1_us", \.firstReady),
    .integer("t_dac1_us", \.firstPlayed),
    .integer("t_audible_us", \.audible),
    .derived("first_text_ms") { $0.untilText.map(NumberText.milliseconds) ?? "" },
    .derived("first_sem_ms") { $0.untilSemantic.map(NumberText.milliseconds) ?? "" },
    .derived("first_audible_ms") { $0.untilAudible.map(NumberText.milliseconds) ?? "" },
    .integer("decision_frames", \.decisionFrames),
    .milliseconds("system_ms", \.system),
    .milliseconds("algorithmic_ms", \.algorithmic),
    .milliseconds("out_queue_ms_at_start", \.outQueueAtStart),
    .milliseconds("boundary_wait_ms", \.boundaryWait),
    .milliseconds("barge_in_stop_ms", \.bargeInStop),
    .milliseconds("reply_ms", \.reply),
    .milliseconds("overlap_ms", \.overlap),
    .decimal("mean_k", \.meanBlock, 3),
    .integer("backbone_passes", \.backbonePasses),
    .integer("concealed_frames", \.concealedFrames),
    .integer("misses_in_turn", \.misses),
    .integer("worst_slack_us", \.worstSlack),
    .decimal("mean_regret_nats", \.meanRegret),
    .text("own_text", \.ownText),
    .text("asr_text", \.heardText),
    .decimal("wer", \.wordErrorRate),
    .text("notes", \.notes),
  ]
}
