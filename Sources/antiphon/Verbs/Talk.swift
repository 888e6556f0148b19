import ArgumentParser
import AudioIO
import Base
import Codec
import Dialogue
import Glibc
import Runtime

/// `antiphon talk`
struct Talk: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Talk with the model: it listens and speaks at the same time.",
    discussion: """
      Keys: m mutes the microphone, space opens it for one turn while muted (push to talk: space to speak, space to \
      end), s silences the model now, q quits. While muted the model hears silence, and the conversation goes on.
      docs/Latency.md explains every number on the screen.

      Example:
        antiphon talk
        antiphon talk --input Yeti --echo none --record evening
        antiphon talk --mirror
      """)

  @OptionGroup var model: ModelOptions
  @OptionGroup var devices: DeviceOptions

  @Option(help: "How to keep the loudspeaker's sound out of the microphone: none, builtin or half-duplex.")
  var echo = EchoMode.builtin

  @Flag(help: "Hear your own voice through the codec, without the dialogue model.")
  var mirror = false

  @Option(
    help: ArgumentHelp("With --mirror: a codec other than the model's.", valueName: "file"))
  var codec: String?

  @Option(
    help: ArgumentHelp(
      "Milliseconds of sound, in addition to the device's buffer, that still wait when the next frame is ready; the default is a period and 15.",
      valueName: "milliseconds"))
  var buffer: Double?

  @Flag(help: "Start with the microphone muted.")
  var muted = false

  @Option(help: "The same seed and the same sound give the same reply.")
  var seed: UInt64 = 0

  @Flag(help: "Always take the most likely token.")
  var greedy = false

  @Option(help: ArgumentHelp("Write both voices, codes and words to a directory.", valueName: "directory"))
  var record: String?

  @Option(
    help: ArgumentHelp(
      "Log the latency of every frame and turn to a directory; --record does so too.", valueName: "directory")
  )
  var latency: String?

  @OptionGroup var ahead: PredictionOptions
  @OptionGroup var concealment: ConcealmentOptions

  @Option(
    help: ArgumentHelp(
      "For tests: hold up one step in so many by so many milliseconds.", valueName: "steps:milliseconds",
      visibility: .private))
  var hold: HoldOption?

  @OptionGroup var replacing: OutputOptions

  @Flag(help: "Print only what the model says.")
  var quiet = false

  @Option(help: ArgumentHelp("End after this many seconds.", valueName: "seconds"))
  var seconds: Double?

  func validate() throws {
    if mirror && (ahead.prediction != .none || ahead.framesPerPass == .auto || concealment.conceal == .on) {
      throw ValidationError("--early, --frames-per-pass and --conceal go with a model, not with --mirror.")
    }
    if codec != nil && !mirror { throw ValidationError("--codec goes with --mirror; a model has its own.") }
    if let buffer, !(0...160).contains(buffer) {
      throw ValidationError("--buffer takes 0 to 160 milliseconds: two frames are the most that may wait.")
    }
  }

  mutating func run() throws {
    // The threads that share the arithmetic must not wait for other programs, either.
    let ((partner, prediction, uneven), workers) = try RealtimeThread.started(by: partner)
    var options = LiveOptions()
    (options.input, options.output, options.rate) = (devices.input, devices.output, devices.rate)
    (options.echo, options.periodMilliseconds, options.bufferMilliseconds) = (echo, devices.period, buffer)
    (options.seed, options.isGreedy, options.isMuted) = (seed, greedy, muted)
    (options.prediction, options.unevenMilliseconds, options.hold) = (prediction, uneven, hold?.hold)
    let session = try LiveSession(partner, options, workers: workers)
    if !quiet { introduce(session) }
    var scribe = try TalkScribe(session, partner, self)
    Interruption.watch()
    let ran = Result {
      try session.start(clock: .starting())
      if !quiet { Terminal.remark(Self.privileges(session)) }
      try converse(session, partner, &scribe)
    }
    let unanswered = session.stop()
    let written = Result { try scribe.finish() }
    for part in unanswered {
      Terminal.remark("\(part.words) did not answer when it was asked to end; what was recorded is whole")
    }
    try written.get()
    try ran.get()
    if !quiet { Terminal.remark(scribe.status.figures) }
  }

  /// What answers, how far it runs ahead, and how much longer its passes take than its other steps, in milliseconds.
  private func partner() throws -> (LivePartner, Prediction, Double) {
    if let codec { return (.mirror(try Codec.open(codec, threads: model.threads)), .none, 0) }
    let directory = try ModelOptions.directory(model.model)
    if mirror {
      let codec = try Codec.open(ModelOptions.codec(in: directory), threads: model.threads)
      return (.mirror(codec), .none, 0)
    }
    let modules = try Dialogue.modulesOfDrafter(directory)
    let isDrafting =
      try ahead.isDrafting(directory) || concealment.added(to: .none, modules: modules) != .none
    let model = try Model.open(
      directory, threads: model.threads, cache: model.kv.options, isDrafting: isDrafting)
    let added = { [concealment] in concealment.added(to: $0, modules: modules) }
    var prediction = try ahead.prediction(for: model, adding: added)
    // Logs tell how good the drafts were.
    prediction.isMeasured = (latency ?? record) != nil && prediction != .none
    let settled = prediction
    let uneven =
      prediction.framesPerPass > 1
      ? try PaceProbe(model) { _ in settled }.passMilliseconds(prediction.framesPerPass) : 0
    return (.model(model), prediction, uneven)
  }

  private func introduce(_ session: LiveSession) {
    let (input, output) = (session.inputChoice, session.outputChoice)
    Terminal.remark("microphone:  \(input.name) (\(input.reason.words)), \(session.capture.settings.words)")
    Terminal.remark(
      "loudspeaker: \(output.name) (\(output.reason.words)), \(session.playback.settings.words)")
  }

  static func privileges(_ session: LiveSession) -> String {
    let (isRealtime, isLocked, _) = session.privileges
    return
      "real-time priority: \(isRealtime ? "yes" : "not allowed"); memory locked: \(isLocked ? "yes" : "not allowed")"
      + (isRealtime && isLocked ? "" : " (docs/ALSA.md says how to allow it)")
  }

  /// Updates the display and the recording, and handles keys, until the session ends.
  private func converse(_ session: LiveSession, _ partner: LivePartner, _ scribe: inout TalkScribe) throws {
    var keyboard = quiet ? nil : Keyboard()
    let screen =
      keyboard == nil ? nil : Screen(keys: "m mute   space push to talk   s stop speaking   q quit")
    defer {
      screen?.close()
      keyboard?.close()
    }
    var lines = TalkLines(isQuiet: quiet)
    // Measured on the wall clock, so that a stopped device does not stop it.
    let begin = MonotonicClock.now
    while !Interruption.isRequested, Terminal.failure == 0 {
      switch keyboard?.key(milliseconds: 100) {
      case "q": return
      case "m", " ": session.isMuted.toggle()
      case "s": session.stopSpeaking()
      default: break
      }
      if keyboard == nil { usleep(100_000) }
      let spoken = try scribe.drain()
      if let screen {
        screen.draw(scribe.status)
      } else {
        lines.show(scribe.status, spoken)
      }
      if let fault = session.fault { throw fault }
      if let seconds, Double(MonotonicClock.now - begin) * 1e-9 >= seconds { return }
    }
  }
}

/// `--hold 38:100`: one step in 38 begins 100 ms late.
struct HoldOption: ExpressibleByArgument {
  let hold: LiveOptions.Hold

  init?(argument: String) {
    let parts = argument.split(separator: ":").map { Int($0) }
    guard parts.count == 2, let every = parts[0], let milliseconds = parts[1], every > 0,
      (0...60_000).contains(milliseconds)
    else { return nil }
    hold = LiveOptions.Hold(every: every, nanoseconds: UInt64(milliseconds) * 1_000_000)
  }
}

extension LiveSession.Component {
  var words: String {
    switch self {
    case .microphone: "the microphone"
    case .loudspeaker: "the loudspeaker"
    case .model: "the model"
    }
  }
}

/// Shows a session as lines of text: what the model says, as it says it, and what goes wrong.
struct TalkLines {
  let isQuiet: Bool
  private var events: String?
  private var shown = 0.0
  private var sentence = ""

  init(isQuiet: Bool) {
    self.isQuiet = isQuiet
  }

  mutating func show(_ status: LiveStatus, _ spoken: String) {
    sentence += spoken
    if let end = sentence.lastIndex(where: { ".?!".contains($0) }) {
      Terminal.print(sentence[...end].drop { $0 == " " }.description)
      sentence = String(sentence[sentence.index(after: end)...])
    }
    guard !isQuiet else { return }
    if status.events != events || status.seconds - shown >= 10 {
      if events != nil || status.seconds >= 10 {
        Terminal.remark("\(Int(status.seconds)) s: \(status.figures)")
      }
      events = status.events
      shown = status.seconds
    }
  }
}
