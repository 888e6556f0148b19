/// Collects the frames of one session and finds its turns.
///
/// It keeps 48 bytes per frame, so it is filled when a run is over, from the parts of its records that were kept.
package struct TurnFinder: Sendable {
  /// The part of a record that is needed to find turns. Times are stored relative to `captured`, so that they are
  /// small.
  fileprivate struct Row: Sendable, BitwiseCopyable {
    let captured: Int64
    private let sampleEnd: Int64
    private let offsets: SIMD4<Int32>
    private let slackOffset: Int32
    private let queue: Int32
    private let token: Int32
    /// Positions of the backbone's pass, at most 127.
    let block: Int8
    let isConcealed: Bool
    private let regretThousandths: UInt16

    private static let none = Int32.min

    init(_ record: FrameRecord, captured: Int64) {
      func offset(_ time: Int64?) -> Int32 { time.map { Int32(clamping: $0 - captured) } ?? Self.none }
      self.captured = captured
      sampleEnd = record.userSampleEnd ?? -1
      offsets = SIMD4(
        offset(record.textEnd ?? record.depthEnd), offset(record.depthEnd), offset(record.decodeEnd),
        offset(record.played))
      slackOffset = record.slack.map { Int32(clamping: $0) } ?? Self.none
      queue = record.playbackDelaySamples.map { Int32(clamping: $0) } ?? Self.none
      token =
        record.textIsPadding == false ? record.textID.map { Int32(clamping: $0) } ?? Self.none : Self.none
      block = Int8(clamping: record.block ?? 0)
      isConcealed = record.source == .conceal
      regretThousandths = record.regret.map { UInt16(min(max($0 * 1000, 0), 65534)) } ?? .max
    }

    private func value(_ raw: Int32) -> Int32? { raw == Self.none ? nil : raw }
    private func time(_ raw: Int32) -> Int64? { value(raw).map { captured + Int64($0) } }

    var userSampleEnd: Int64? { sampleEnd < 0 ? nil : sampleEnd }
    var textTime: Int64? { time(offsets.x) }
    var text: Int32? { value(token) }
    var semanticTime: Int64? { time(offsets.y) }
    var ready: Int64? { time(offsets.z) }
    var played: Int64? { time(offsets.w) }
    var queueSamples: Int32? { value(queue) }
    var slack: Int64? { value(slackOffset).map { Int64($0) } }
    var regret: Float? { regretThousandths == .max ? nil : Float(regretThousandths) / 1000 }
  }

  /// What turns are found from: a record without the rest.
  package struct Part: Sendable, BitwiseCopyable {
    package let session: Int64
    fileprivate let row: Row
    fileprivate let heard: Int64
    fileprivate let user: SIMD8<Float>
    fileprivate let own: SIMD8<Float>

    /// Nil without a capture time.
    package init?(_ record: FrameRecord) {
      guard let captured = record.capturedHardware ?? record.captured else { return nil }
      session = record.session ?? 0
      row = Row(record, captured: captured)
      heard = record.played ?? record.written ?? captured
      var (user, own) = (SIMD8<Float>(), SIMD8<Float>())
      for index in 0..<Loudness.windows {
        user[index] = record.userLoudness.windowDecibels[index]
        own[index] = record.ownLoudness.windowDecibels[index]
      }
      (self.user, self.own) = (user, own)
    }
  }

  private let session: Int64
  private let frame: Int64
  private let sampleRate: Int64
  private let delay: Int
  private let labels: [Range<Int64>]?
  private let taking = TurnTaking()
  private var rows: [Row] = []
  private var user: SpeechSegments
  private var own: SpeechSegments

  /// - Parameters:
  ///   - metadata: gives the frame time, the sample rate and the acoustic delay.
  ///   - threshold: loudness at which speech begins, in dB relative to full scale, for both sides.
  ///   - labels: where the person speaks, in samples, if that is known; otherwise it is detected by loudness.
  package init(
    session: Int64 = 0, metadata: RunMetadata, threshold: Float = -45, labels: [Range<Int64>]? = nil
  ) {
    self.session = session
    self.labels = labels
    frame = metadata.integer(RunMetadata.frameMicroseconds) ?? 80_000
    sampleRate = metadata.integer(RunMetadata.sampleRate) ?? 24_000
    delay = Int(metadata.integer(RunMetadata.acousticDelayFrames) ?? 0)
    user = SpeechSegments(threshold: threshold, windowsToStart: 2, windowsToEnd: 20)
    own = SpeechSegments(threshold: threshold, windowsToStart: 2, windowsToEnd: 20)
  }

  /// Adds the next record of this session. A record without a capture time is left out.
  package mutating func append(_ record: FrameRecord) {
    if let part = Part(record) { append(part) }
  }

  /// Adds the part of the next record of this session.
  package mutating func append(_ part: Part) {
    let window = frame / Int64(Loudness.windows)
    for index in 0..<Loudness.windows {
      let from = part.row.captured - frame + Int64(index) * window
      user.append(part.user[index], from: from, to: from + window, row: rows.count)
      let out = part.heard + Int64(index) * window
      own.append(part.own[index], from: out, to: out + window, row: rows.count)
    }
    rows.append(part.row)
  }

  /// The turns so far, in chronological order.
  /// - Parameter text: the words that text tokens stand for.
  package func turns(text: ([Int32]) -> String) -> [Turn] {
    let exchanges = taking.exchanges(users: labels.map(segments) ?? user.segments, owns: own.segments)
    let lastSpoken = exchanges.lastIndex { $0.own != nil && $0.kind != .bargeIn }
    var taken = 0
    return exchanges.enumerated().map { index, exchange in
      var turn = measure(exchange)
      turn.number = Int64(index)
      if let own = exchange.own, exchange.kind != .bargeIn {
        let end = index == lastSpoken ? rows.count : own.endRow + 1
        let tokens = rows[taken..<max(end, taken)].compactMap(\.text)
        turn.ownText = tokens.isEmpty ? nil : text(tokens)
        taken = max(end, taken)
      }
      return turn
    }
  }

  /// Labels as stretches of speech, on the clock of the run.
  private func segments(_ labels: [Range<Int64>]) -> [Segment] {
    labels.compactMap { label in
      let first = rows.firstIndex { ($0.userSampleEnd ?? -1) >= label.lowerBound }
      guard let first, !label.isEmpty else { return nil }
      let last = rows.firstIndex { ($0.userSampleEnd ?? -1) >= label.upperBound - 1 } ?? rows.count - 1
      return Segment(
        start: time(label.lowerBound, rows[first]), end: time(label.upperBound, rows[last]),
        startRow: first, endRow: last)
    }
  }

  private func time(_ sample: Int64, _ row: Row) -> Int64 {
    row.captured - ((row.userSampleEnd ?? 0) + 1 - sample) * 1_000_000 / sampleRate
  }

  private func measure(_ exchange: TurnTaking.Exchange) -> Turn {
    var turn = Turn()
    turn.session = session
    turn.kind = exchange.kind
    turn.reference = exchange.user == nil ? nil : labels == nil ? .vad : .label
    turn.userStart = exchange.user?.start
    turn.userEnd = exchange.user?.end
    guard let own = exchange.own else { return turn }

    if let user = exchange.user { turn.overlap = user.overlap(own) }
    if exchange.kind == .bargeIn {
      turn.bargeInStop = own.isOpen ? nil : own.end - (exchange.user?.start ?? own.end)
    } else {
      onset(own, exchange, &turn)
    }
    let first = exchange.kind == .bargeIn ? exchange.user?.startRow : exchange.user?.endRow
    counts(min(first ?? own.startRow, own.startRow)...own.endRow, &turn)
    return turn
  }

  /// Fills in how the model's speech began, and how long after the end of the person's speech.
  private func onset(_ own: Segment, _ exchange: TurnTaking.Exchange, _ turn: inout Turn) {
    let row = rows[own.startRow]
    let semanticRow = max(own.startRow - delay, 0)
    turn.audible = own.start
    turn.reply = own.end - own.start
    turn.firstSemantic = rows[semanticRow].semanticTime
    turn.firstReady = row.ready
    turn.firstPlayed = row.played
    turn.outQueueAtStart = row.queueSamples.map { Int64($0) * 1_000_000 / sampleRate }
    turn.algorithmic = frame * Int64(1 + delay)

    let reference = exchange.user?.end ?? 0
    guard own.start >= reference else {
      turn.notes = "began before the person ended"
      return
    }
    turn.firstText =
      rows[...own.endRow].first { $0.text != nil && ($0.textTime ?? -1) > reference }.flatMap(\.textTime)
    guard let user = exchange.user else { return }
    let decision = max(semanticRow - user.endRow, 0)
    turn.decisionFrames = Int64(decision)
    turn.system = own.start - user.end - Int64(decision) * frame
    turn.boundaryWait = rows[user.endRow].captured - user.end
  }

  private func counts(_ range: ClosedRange<Int>, _ turn: inout Turn) {
    let rows = rows[range]
    let passes = rows.filter { $0.block > 0 }
    turn.backbonePasses = Int64(passes.count)
    if !passes.isEmpty {
      turn.meanBlock = Float(passes.reduce(0) { $0 + Int($1.block) }) / Float(passes.count)
    }
    turn.concealedFrames = Int64(rows.count { $0.isConcealed })
    let regrets = rows.compactMap(\.regret)
    if !regrets.isEmpty { turn.meanRegret = regrets.reduce(0, +) / Float(regrets.count) }
    turn.misses = Int64(rows.count { ($0.slack ?? 0) < 0 })
    turn.worstSlack = rows.compactMap(\.slack).min()
  }
}
