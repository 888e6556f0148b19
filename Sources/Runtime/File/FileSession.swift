public import AudioIO
internal import Base
internal import Codec
public import Dialogue
package import Latency

/// A conversation with a recording: every frame of the source is heard, and the reply is written incrementally.
///
/// The reply is aligned with the recording: its sample n is what a person would have heard at sample n, not counting
/// the machine's own time. After the end of the recording the model hears silence until it has finished speaking.
public struct FileSession: Sendable {
  /// How a recording is answered.
  public struct Options: Sendable {
    /// Seed of the generator that draws tokens.
    public var seed: UInt64 = 0
    /// Always take the most likely token.
    public var isGreedy = false
    /// Write the person on the left channel and the model on the right.
    public var isStereo = false
    /// How long to listen for the rest of the reply, in seconds: 0 or more, and finite.
    public var tail = 10.0

    /// How far the conversation runs ahead of the backbone; the model must have been opened with its drafter.
    public var prediction = Prediction.none
    /// Acts as if the step of every so many frames were late, so that its spare frame is played; 0 is never.
    package var lateEvery = 0

    /// The default options.
    public init() {}
  }

  /// The result of a session.
  public struct Outcome: Sendable {
    /// Frames heard, 80 ms each.
    public var frames = 0
    /// Seconds written.
    public var seconds = 0.0
    /// What the model said: each piece of text and the second it began.
    public var pieces: [(seconds: Double, text: String)] = []

    /// An outcome with nothing in it.
    public init() {}

    /// All pieces concatenated.
    public var text: String { pieces.map(\.text).joined() }
  }

  private let model: Model
  private let options: Options

  /// A session that has not been run.
  public init(_ model: Model, _ options: Options = Options()) {
    self.model = model
    self.options = options
  }

  /// Runs until the source and the reply have ended, or the sink fails.
  ///
  /// - Throws: the failure of the source or the sink; what was produced before it is written.
  ///   `DialogueError.badArgument` if `tail` is negative or not finite.
  public func run(from source: any AudioSource, to sink: any AudioSink) throws -> Outcome {
    try run(from: source, to: sink, recorder: nil) { _ in true }
  }

  /// - Parameters:
  ///   - recorder: where the latency of every frame is logged.
  ///   - proceed: called after every frame with the outcome so far; returning false stops.
  package func run(
    from source: any AudioSource, to sink: any AudioSink, recorder: LatencyRecorder?,
    proceed: (Outcome) -> Bool
  ) throws -> Outcome {
    guard options.tail >= 0, options.tail.isFinite else {
      throw DialogueError.badArgument(
        name: "tail", expected: "a number of seconds from 0", found: "\(options.tail)")
    }
    var loop = try FileLoop(model, options)
    while loop.listen(to: source) {
      guard loop.exchange(with: sink) else { break }
      if let recorder {
        recorder.log.append(loop.record)
        try recorder.drain()
      }
      guard proceed(loop.outcome) else { break }
    }
    if let failure = sink.failure { throw failure }
    return loop.outcome
  }
}

/// The variables of the loop over a recording.
private struct FileLoop: ~Copyable {
  private enum Phase { case leading, hearing, ending, waiting }

  // A reply is over after this many frames (1.5 s) without a word or a sound above this loudness.
  private static let quietFrames = 19
  private static let quietDecibels: Float = -45

  private let model: Model
  private let options: FileSession.Options
  private var conversation: Conversation
  private var clock: FrameClock
  private var words: StreamingText
  private var frame: [Float]
  private var reply: [Float]
  private var phase = Phase.leading
  // Frames of leading silence still to come, frames since the last word or sound, and frames since the end.
  private var (leading, quiet, waited) = (0, 0, 0)
  private(set) var outcome = FileSession.Outcome()
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

  /// Fills the next frame: with leading silence if the model needs it, then from the source, and after its end with
  /// silence. Returns false when the reply has ended.
  mutating func listen(to source: any AudioSource) -> Bool {
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
    let seconds = Double(waited) * secondsPerFrame
    // The last words of a transcript come only after the model's delay, even if it is quiet until then.
    let isOver = quiet >= Self.quietFrames && seconds > model.dialogue.configuration.family.delaySeconds + 1
    return !isOver && seconds <= options.tail && hearSilence()
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
    let isWritten =
      options.isStereo ? sink.write(left: frame.span, right: reply.span) : sink.write(reply.span)
    // The loudspeaker would underrun one frame after this frame was complete.
    let delivery = Delivery(written: clock.now(), deadline: arrival + clock.frameMicroseconds)
    clock.end()
    record = FrameRecord(
      frame: frameNumber, capture, step, delivery, heard: frame.span, said: reply.span)
    let text = words.append(step.text)
    if !text.isEmpty { outcome.pieces.append((Double(frameNumber) * secondsPerFrame, text)) }
    let isQuiet = record.textIsPadding == true && record.ownLoudness.decibels < Self.quietDecibels
    quiet = isQuiet ? quiet + 1 : 0
    outcome.frames += 1
    if isWritten { outcome.seconds += secondsPerFrame }
    return isWritten
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
