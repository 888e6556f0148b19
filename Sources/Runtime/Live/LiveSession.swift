package import AudioIO
package import Base
internal import Codec
internal import Dialogue
internal import Glibc
package import Latency

/// A conversation with a person: two sound devices and the partner that answers.
///
/// There are three threads: capture, playback, and the one that computes (`LiveLoop`).
package final class LiveSession: @unchecked Sendable {
  package let options: LiveOptions
  package let inputChoice: DeviceChoice
  package let outputChoice: DeviceChoice
  package let capture: ALSACapture
  package let playback: ALSAPlayback
  package let canceller: EchoCanceller

  /// Below the audio threads but above other programs: with normal priority a busy machine wakes the model up to 30 ms
  /// late. A machine with one core would freeze if the model were too slow for it, so it gets none.
  package static var modelPriority: Int32 { sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1 ? 10 : 0 }

  private let partner: LivePartner
  private let samplesPerFrame: Int
  private let loop: LiveLoop<ALSACapture, ALSAPlayback>
  private var engine: RealtimeThread?
  private var isMemoryLocked = false
  private let workers: [Int32]

  /// Chooses and opens both devices.
  ///
  /// - Parameter workers: the threads that share the partner's arithmetic; they get the same priority as the model's
  ///   thread.
  /// - Throws: `CheckpointError` if the codec does not have 24 kHz and 80 ms, `DialogueError` if the model does not run as
  ///   far ahead as the options ask, `AudioDeviceError` if a device fails.
  package init(_ partner: LivePartner, _ options: LiveOptions, workers: [Int32] = []) throws {
    try partner.check()
    if case .model(let model) = partner { try model.dialogue.check(options.prediction) }
    self.partner = partner
    self.workers = workers
    self.options = options
    samplesPerFrame = partner.codec.configuration.samplesPerFrame
    outputChoice = try ALSADevice.choose(options.output, .playback)
    inputChoice = try ALSADevice.choose(options.input, .capture)
    let wake = Wake()
    let backlog = BacklogRequest()
    playback = try ALSAPlayback(
      outputChoice.name, rate: options.rate, periodMilliseconds: options.periodMilliseconds,
      queueSeconds: options.bufferMilliseconds.map { $0 / 1000 },
      unevenSeconds: options.unevenMilliseconds / 1000,
      spare: SpareSlot(samplesPerFrame: samplesPerFrame, capacity: max(options.prediction.spare, 1)),
      onXrun: { backlog.capture?.skipBacklog() })
    canceller = EchoCanceller(
      options.echo, played: playback.played, clock: playback.playedClock, rate: playback.settings.rate)
    capture = try ALSACapture(
      inputChoice.name, rate: options.rate, periodMilliseconds: options.periodMilliseconds, wake: wake,
      canceller: options.echo == .none ? nil : canceller)
    loop = LiveLoop(
      capture, playback, wake: wake, samplesPerFrame: samplesPerFrame, isMuted: options.isMuted)
    loop.hold = options.hold
    backlog.capture = capture
  }

  // Set before the threads start, and only read afterwards.
  private final class BacklogRequest: @unchecked Sendable {
    weak var capture: ALSACapture?
  }

  /// Whether capture and playback run with real-time priority, whether memory is locked, and how many times a thread
  /// has lost its priority because it ran for 200 ms without sleeping.
  package var privileges: (isRealtime: Bool, isMemoryLocked: Bool, demotions: Int) {
    (capture.isRealtime && playback.isRealtime, isMemoryLocked, RealtimeThread.demotions)
  }

  /// Why one of the devices was given up, if it was: the conversation then has no clock.
  package var fault: AudioDeviceError? { capture.fault ?? playback.fault }

  package var counts: LiveCounts { loop.counts }

  /// One row per frame, for display.
  package var log: FrameLog { loop.log }

  /// Writes the latency logs and the recording from now on. Must be called before `start`.
  package func follow(latencyLog: FrameLog?, tape: LiveTape?) {
    loop.latencyLog = latencyLog
    loop.tape = tape
  }

  /// While muted the model hears silence: its clock never stops.
  package var isMuted: Bool {
    get { loop.isMuted }
    set { loop.isMuted = newValue }
  }

  /// Discards what is queued for playback.
  package func stopSpeaking() { playback.flush() }

  package func start(clock: RunClock) throws(AudioDeviceError) {
    isMemoryLocked = RealtimeThread.lockMemory()
    let isReady = Wake()
    // Real-time priority is requested after the rehearsal, which runs long and never sleeps.
    let prioritize = { @Sendable [workers] in
      let priority = Self.modelPriority
      guard priority > 0 else { return }
      RealtimeThread.raise(workers, to: priority)
      RealtimeThread.raiseCurrent(to: priority)
    }
    engine = RealtimeThread(name: "model", priority: 0) { [self] in
      setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, -10)
      switch partner {
      case .model(let model):
        do {
          // Reads every weight once, so that the first frame is not late.
          var rehearsal = conversation(model)
          rehearse(&rehearsal)
        }
        var conversation = conversation(model)
        prioritize()
        isReady.post()
        loop.run(&conversation, clock)
      case .mirror(let codec):
        var rehearsal = CodecMirror(codec)
        rehearse(&rehearsal)
        var mirror = CodecMirror(codec)
        prioritize()
        isReady.post()
        loop.run(&mirror, clock)
      }
    }
    while !isReady.wait(nanoseconds: 100_000_000) {
      if Interruption.isRequested { return }
    }
    try playback.start(priority: 31)
    try capture.start(priority: 30)
  }

  /// A part of a session that may hang.
  package enum Component: Equatable, Sendable {
    case microphone, loudspeaker, model
  }

  /// Ends the session within 0.3 s.
  ///
  /// - Returns: the components that did not answer in time. Their threads are abandoned, and the process must exit
  ///   without waiting for them (`RealtimeThread.hasAbandoned`).
  @discardableResult
  package func stop() -> [Component] {
    loop.stop()
    capture.askToStop()
    playback.askToStop()
    let deadline = MonotonicClock.now + 300_000_000
    func rest() -> UInt64 { max(deadline, MonotonicClock.now + 1_000_000) - MonotonicClock.now }
    var unanswered: [Component] = []
    if !capture.stop(nanoseconds: rest()) { unanswered.append(.microphone) }
    if !playback.stop(nanoseconds: rest()) { unanswered.append(.loudspeaker) }
    if let engine, !engine.join(nanoseconds: rest()) { unanswered.append(.model) }
    return unanswered
  }

  private func conversation(_ model: Model) -> Conversation {
    do {
      return try Conversation(
        model, seed: options.seed, isGreedy: options.isGreedy, prediction: options.prediction)
    } catch {
      preconditionFailure("init has checked the prediction")
    }
  }

  private func rehearse(_ engine: inout some LiveEngine & ~Copyable) {
    let frame = [Float](repeating: 0, count: samplesPerFrame)
    var reply = frame
    var span = reply.mutableSpan
    for _ in 0..<3 {
      _ = engine.step(frame.span, into: &span, clock: .monotonic)
      _ = engine.prepareSpare()
    }
  }
}
