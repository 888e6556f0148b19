package import AudioIO
internal import Codec
internal import Dialogue
internal import Glibc
internal import Synchronization

/// A conversation with a person: microphone -> `LiveEngine.step` -> loudspeaker, frame by frame, in real time.
///
/// Three threads: capture and playback of the devices, and the one that computes. Queues between them are bounded:
/// what is late is skipped and counted, so delay cannot grow.
package final class LiveSession: @unchecked Sendable {
  /// How many frames of the person may wait; of more, the oldest are skipped.
  private static let backlogFrames = 2

  /// What happened to whole frames.
  package struct Counts: Equatable, Sendable {
    package var frames = 0
    /// Ready only when the loudspeaker had run dry already.
    package var late = 0
    /// Frames of the person that were skipped because the computer was behind.
    package var skipped = 0
    /// Frames of silence that were heard because the microphone gave nothing.
    package var concealed = 0
  }

  package let options: LiveOptions
  package let inputChoice: DeviceChoice
  package let outputChoice: DeviceChoice
  package let capture: ALSACapture
  package let playback: ALSAPlayback
  package let canceller: EchoCanceller
  /// One row per frame, for whoever shows or records it.
  package let log = FrameLog(capacity: 256)
  /// The same rows for the latency logs, when those are kept.
  package var latencyLog: FrameLog?
  /// Sound and codes of every frame, for the recording, when there is one.
  package var tape: LiveTape?

  private let partner: LivePartner
  private let samplesPerFrame: Int
  private let wake = Wake()
  private let isStopping = Atomic<Bool>(false)
  private let muted: Atomic<Bool>
  private let frames = Atomic<Int>(0)
  private let late = Atomic<Int>(0)
  private let skipped = Atomic<Int>(0)
  private let concealed = Atomic<Int>(0)
  private var engine: RealtimeThread?
  private var isMemoryLocked = false
  private var isConcealing = false  // of the engine's thread

  /// Chooses and opens both devices.
  package init(_ partner: LivePartner, _ options: LiveOptions) throws(AudioDeviceError) {
    self.partner = partner
    self.options = options
    samplesPerFrame = partner.codec.configuration.samplesPerFrame
    muted = Atomic<Bool>(options.isMuted)
    outputChoice = try ALSADevice.choose(options.output, .playback)
    inputChoice = try ALSADevice.choose(options.input, .capture)
    let backlog = BacklogRequest()
    playback = try ALSAPlayback(
      outputChoice.name, rate: options.rate, periodMilliseconds: options.periodMilliseconds,
      queueSeconds: options.bufferMilliseconds.map { $0 / 1000 }, onXrun: { backlog.capture?.dropBacklog() })
    canceller = EchoCanceller(
      options.echo, played: playback.played, clock: playback.playedClock, rate: playback.settings.rate)
    capture = try ALSACapture(
      inputChoice.name, rate: options.rate, periodMilliseconds: options.periodMilliseconds, wake: wake,
      canceller: options.echo == .none ? nil : canceller)
    backlog.capture = capture
  }

  private var frameNanoseconds: UInt64 {
    UInt64(samplesPerFrame) * 1_000_000_000 / UInt64(AudioFrame.sampleRate)
  }

  // Set before the threads start, only read afterwards.
  private final class BacklogRequest: @unchecked Sendable {
    weak var capture: ALSACapture?
  }

  /// Whether capture and playback run with real-time priority, and whether memory is locked.
  package var privileges: (isRealtime: Bool, isMemoryLocked: Bool) {
    (capture.isRealtime && playback.isRealtime, isMemoryLocked)
  }

  package var counts: Counts {
    Counts(
      frames: frames.load(ordering: .relaxed), late: late.load(ordering: .relaxed),
      skipped: skipped.load(ordering: .relaxed), concealed: concealed.load(ordering: .relaxed))
  }

  /// While muted the model hears silence: its clock never stops.
  package var isMuted: Bool {
    get { muted.load(ordering: .relaxed) }
    set { muted.store(newValue, ordering: .relaxed) }
  }

  /// Forgets what waits to be played.
  package func stopSpeaking() { playback.flush() }

  package func start(clock: FrameClock) throws(AudioDeviceError) {
    isMemoryLocked = RealtimeThread.lockMemory()
    let isReady = Wake()
    engine = RealtimeThread(name: "model", priority: 0) { [self] in
      // Before other programs, where that is allowed, but not before everything: it computes for long.
      setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, -10)
      switch partner {
      case .model(let model):
        do {
          // Touches every weight once, so that the first frame is not late.
          var rehearsal = Conversation(model, seed: options.seed)
          rehearse(&rehearsal)
        }
        var conversation = Conversation(model, seed: options.seed, isGreedy: options.isGreedy)
        isReady.post()
        run(&conversation, model.dialogue.configuration, clock)
      case .mirror(let codec):
        var rehearsal = Mirror(codec)
        rehearse(&rehearsal)
        var mirror = Mirror(codec)
        isReady.post()
        run(&mirror, nil, clock)
      }
    }
    while !isReady.wait(nanoseconds: 1_000_000_000) {}
    try playback.start(priority: 31)
    try capture.start(priority: 30)
  }

  package func stop() {
    isStopping.store(true, ordering: .releasing)
    wake.post()
    engine?.join()
    capture.stop()
    playback.stop()
  }

  private func rehearse(_ engine: inout some LiveEngine & ~Copyable) {
    let frame = [Float](repeating: 0, count: samplesPerFrame)
    var reply = frame
    var span = reply.mutableSpan
    for _ in 0..<3 { _ = engine.step(frame.span, into: &span) }
  }

  /// The loop. Nothing in it allocates, locks, throws or prints.
  private func run(
    _ engine: inout some LiveEngine & ~Copyable, _ configuration: DialogueConfiguration?, _ clock: FrameClock
  ) {
    var frame = [Float](repeating: 0, count: samplesPerFrame)
    var reply = frame
    var number: Int64 = 0
    while let captured = listen(&frame) {
      var record = FrameRecord()
      record.captured = clock.now()
      record.capturedHardware = captured == 0 ? nil : clock.time(nanoseconds: captured)
      record.userSampleEnd = Int64(capture.position - 1)
      var span = reply.mutableSpan
      let step = engine.step(frame.span, into: &span)
      record.fill(step, configuration, clock)
      record.frame = number
      speak(reply.span, &record, clock)
      (record.userLoudness, record.ownLoudness) = (Loudness(frame.span), Loudness(reply.span))
      record.captureOverruns = Int64(capture.counts.xruns)
      record.playbackUnderruns = Int64(playback.counts.xruns)
      log.append(record)
      latencyLog?.append(record)
      if let tape { engine.withCodes { tape.append(frame.span, reply.span, heard: $0, said: $1, record) } }
      number += 1
      frames.store(Int(number), ordering: .relaxed)
    }
  }

  /// Waits for the person's next frame. Returns when its last sample was captured, 0 when that is not known, and nil
  /// when the session ends.
  private func listen(_ frame: inout [Float]) -> UInt64? {
    // A device may take its time to begin; later, silence takes the place of what does not come, frame by frame.
    let patience: UInt64 =
      capture.position == 0 ? 2_000_000_000 : isConcealing ? frameNanoseconds : 3 * frameNanoseconds
    let start = AudioClock.now
    while capture.count < samplesPerFrame {
      if isStopping.load(ordering: .acquiring) { return nil }
      let waited = AudioClock.now - start
      if waited >= patience {
        isConcealing = true
        conceal(&frame)
        return 0
      }
      wake.wait(nanoseconds: patience - waited)
    }
    if isStopping.load(ordering: .acquiring) { return nil }
    isConcealing = false
    let waiting = capture.count / samplesPerFrame
    if waiting > Self.backlogFrames {
      // The newest frame is kept: older ones would only be answered late.
      let surplus = waiting - 1
      _ = capture.skip(surplus * samplesPerFrame)
      skipped.add(surplus, ordering: .relaxed)
    }
    var span = frame.mutableSpan
    _ = capture.read(into: &span)
    if muted.load(ordering: .relaxed) { silence(&frame) }
    return capture.clock.nanoseconds(at: Double(capture.position)) ?? 0
  }

  /// The microphone gives nothing: silence takes its place, and what came of the frame is thrown away.
  private func conceal(_ frame: inout [Float]) {
    _ = capture.skip(.max)
    silence(&frame)
    concealed.add(1, ordering: .relaxed)
  }

  private func silence(_ frame: inout [Float]) {
    for index in frame.indices { frame[index] = 0 }
  }

  private func speak(_ reply: Span<Float>, _ record: inout FrameRecord, _ clock: FrameClock) {
    let receipt = playback.enqueue(reply)
    let delay = receipt.slackSeconds
    record.written = clock.time(nanoseconds: receipt.writtenNanoseconds)
    record.played = clock.time(nanoseconds: receipt.dacNanoseconds)
    record.deadline = record.played
    record.playbackDelaySamples = Int64(max(delay, 0) * Double(AudioFrame.sampleRate))
    if delay < 0 { late.add(1, ordering: .relaxed) }
  }
}

/// Nanoseconds of the clock that the devices' times are on.
enum AudioClock {
  static var now: UInt64 { UInt64(MonotonicClock.now()) * 1000 }
}

extension FrameRecord {
  /// What a step tells, with or without a dialogue model.
  fileprivate mutating func fill(
    _ step: Conversation.Step, _ configuration: DialogueConfiguration?, _ clock: FrameClock
  ) {
    if let configuration {
      let (captured, hardware, end) = (captured, capturedHardware, userSampleEnd)
      self = FrameRecord(step, configuration, clock)
      (self.captured, capturedHardware, userSampleEnd) = (captured, hardware, end)
      return
    }
    encodeStart = clock.now(step.encodeStart)
    encodeEnd = clock.now(step.encodeEnd)
    decodeEnd = clock.now(step.decodeEnd)
    userSemantic = Int64(step.userSemantic)
    ownSemantic = Int64(step.ownSemantic)
    textIsPadding = true
  }
}
