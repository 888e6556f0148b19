internal import AudioIO
internal import Base
internal import Codec
internal import Dialogue
internal import Latency

/// The variables of the loop over a recording.
struct FileLoop: ~Copyable {
  enum Phase { case leading, hearing, ending, waiting }

  // A reply is over after this many frames (1.5 s) without a word or a sound above this loudness.
  private static let quietFrames = 19
  static let quietDecibels: Float = -45

  let model: Model
  let options: FileSession.Options
  private var conversation: Conversation
  private var clock: FrameClock
  private var words: StreamingText
  private(set) var frame: [Float]
  private var reply: [Float]
  private(set) var phase = Phase.leading
  // Frames of leading silence still to come, frames since the last word or sound, and frames since the end.
  private var (leading, quiet) = (0, 0)
  private(set) var waited = 0
  var outcome = FileSession.Outcome()
  private(set) var record = FrameRecord()

  init(_ model: Model, _ options: FileSession.Options) throws(DialogueError) {
    self.model = model
    self.options = options
    let (format, dialogue) = (model.codec.configuration, model.dialogue.configuration)
    conversation = try Conversation(
      model, start: .recording, seed: options.seed, isGreedy: options.isGreedy, prediction: options.prediction
    )
    clock = FrameClock(
      .file, frameMicroseconds: Int64(1_000_000 * format.samplesPerFrame / format.sampleRate))
    words = StreamingText(
      model.tokenizer, endOfPadding: dialogue.textEndOfPadding, padding: dialogue.textPadding,
      initial: Int32(model.dialogue.streams.textCardinality))
    frame = [Float](repeating: 0, count: format.samplesPerFrame)
    reply = frame
    leading = Int((dialogue.family.prefixSeconds * model.codec.frameRate).rounded(.up))
  }

  private var secondsPerFrame: Double { 1 / model.codec.frameRate }

  /// Fills the next frame. Returns false when the reply has ended.
  mutating func listen(to source: any AudioSource) -> Bool { next(of: source) && !isOver(waited) }

  /// Fills the next frame: with leading silence if the model needs it, then from the source, and after its end with
  /// silence, as long as the rest of the reply may take.
  mutating func next(of source: any AudioSource) -> Bool {
    if phase == .leading {
      leading -= 1
      if leading >= 0 { return hearSilence() }
      phase = .hearing
    }
    if phase == .hearing {
      var span = frame.mutableSpan
      if source.read(into: &span) > 0 { return true }
      phase = model.dialogue.configuration.family.hasEndSign ? .ending : .waiting
    } else {
      phase = .waiting
    }
    waited += 1
    return Double(waited) * secondsPerFrame <= options.tail && hearSilence()
  }

  /// Whether the reply has ended before the frame that is the `waited`th after the recording's last.
  func isOver(_ waited: Int) -> Bool {
    // The last words of a transcript come only after the model's delay, even if it is quiet until then.
    waited > 0 && quiet >= Self.quietFrames
      && Double(waited) * secondsPerFrame > model.dialogue.configuration.family.delaySeconds + 1
  }

  private mutating func hearSilence() -> Bool {
    for index in frame.indices { frame[index] = 0 }
    return true
  }

  /// Answers the frame and writes the reply; false if the sink failed.
  mutating func exchange(with sink: any AudioSink) -> Bool {
    let frameNumber = outcome.frames
    let arrival = clock.begin(frame: Int64(frameNumber))
    let capture = Capture(complete: arrival, lastSample: Int64((frameNumber + 1) * frame.count - 1))
    var step = Self.step(&conversation, phase, frame, into: &reply, clock.run)
    if options.lateEvery > 0 {
      if (frameNumber + 1) % options.lateEvery == 0 { Self.concede(&conversation, &step, into: &reply) }
      conversation.prepareSpare()
    }
    let isWritten = deliver(reply, to: frame, sink)
    // The loudspeaker would underrun one frame after this frame was complete.
    let delivery = Delivery(written: clock.now(), deadline: arrival + clock.frameMicroseconds)
    clock.end()
    record = FrameRecord(
      frame: frameNumber, capture, step, delivery, heard: frame.span, said: reply.span)
    if let dialogue = step.dialogue, dialogue.positions > 0 { outcome.passes += 1 }
    note(step.text, isQuiet: record.ownLoudness.decibels < Self.quietDecibels, isWritten: isWritten)
    return isWritten
  }

  /// Writes a frame; false if the sink failed.
  func deliver(_ reply: [Float], to heard: [Float], _ sink: any AudioSink) -> Bool {
    options.isStereo ? sink.write(left: heard.span, right: reply.span) : sink.write(reply.span)
  }

  /// Takes note of what a frame said.
  mutating func note(_ token: Int32, isQuiet: Bool, isWritten: Bool) {
    let text = words.append(token)
    if !text.isEmpty { outcome.pieces.append((Double(outcome.frames) * secondsPerFrame, text)) }
    let dialogue = model.dialogue.configuration
    let isPadding = token == dialogue.textPadding || token == dialogue.textEndOfPadding
    quiet = isPadding && isQuiet ? quiet + 1 : 0
    outcome.frames += 1
    if isWritten { outcome.seconds += secondsPerFrame }
  }

  private static func step(
    _ conversation: inout Conversation, _ phase: Phase, _ frame: [Float], into reply: inout [Float],
    _ clock: RunClock
  ) -> Conversation.Step {
    var span = reply.mutableSpan
    return phase == .ending
      ? conversation.stepAfterEnd(into: &span, clock: clock)
      : conversation.step(frame.span, into: &span, clock: clock)
  }

  private static func concede(
    _ conversation: inout Conversation, _ step: inout Conversation.Step, into reply: inout [Float]
  ) {
    var span = reply.mutableSpan
    conversation.concede(&step, into: &span)
  }
}
