internal import Base
internal import Codec
internal import Dialogue
internal import Glibc

/// One conversation: a frame of sound in, a frame of sound out. This is the loop's body for files, for live sound, for
/// the benchmark and for a server; they differ only in where frames come from and go.
///
///     frame -> codec.encode -> dialogue.step -> codec.decode -> reply
///
/// Nothing here allocates, locks, throws or prints once it has been made.
public struct Conversation: ~Copyable, Sendable {
  /// What happens to the first frame. The model never hears what enters with its initial tokens.
  public enum Start: Sendable {
    /// The first frame is spent on waking the model: what a person says later is answered one frame sooner.
    case live
    /// The first frame is heard twice, so that nothing of a recording is lost.
    case recording
  }

  /// What one step tells, beside the sound. Times are microseconds of the monotonic clock.
  public struct Step: Sendable, BitwiseCopyable {
    /// Text token of this step.
    public var text: Int32 = 0
    /// Whether the reply is the model's; silence until it is ready.
    public var isReady = false
    /// First code of what was heard and of what was said.
    public var userSemantic: Int32 = 0
    public var ownSemantic: Int32 = 0
    public var encodeStart: Int64 = 0
    public var encodeEnd: Int64 = 0
    public var temporalEnd: Int64 = 0
    public var textEnd: Int64 = 0
    public var depthEnd: Int64 = 0
    public var decodeEnd: Int64 = 0
  }

  public let model: Model
  private var encoder: EncoderState
  private var decoder: DecoderState
  private var state: DialogueState
  private var heard: [Int32]
  private var said: [Int32]
  private let start: Start
  private var isBegun = false

  /// - Parameters:
  ///   - seed: the same seed and the same sound give the same reply.
  ///   - isGreedy: take the most likely token always.
  public init(_ model: Model, start: Start = .live, seed: UInt64 = 0, isGreedy: Bool = false) {
    self.model = model
    self.start = start
    encoder = model.codec.makeEncoderState()
    decoder = model.codec.makeDecoderState()
    state = model.dialogue.makeState(seed: seed)
    if isGreedy {
      state.textSampling = .greedy
      state.audioSampling = .greedy
    }
    heard = [Int32](repeating: 0, count: model.codec.configuration.codebooks)
    said = [Int32](repeating: 0, count: model.dialogue.streams.own)
  }

  /// The codes of the last frame heard and of the last frame said.
  package func withCodes<Result>(_ body: (Span<Int32>, Span<Int32>) -> Result) -> Result {
    body(heard.span, said.span)
  }

  /// Samples of a frame, in and out.
  public var samplesPerFrame: Int { model.codec.configuration.samplesPerFrame }

  /// Bytes this conversation occupies beside the model's weights.
  public var bytes: Int {
    let dialogue = state.bytes
    return encoder.bytes + decoder.bytes + dialogue.kept + dialogue.scratch
  }

  /// Positions and bytes in the dialogue model's window.
  var cache: (frames: Int, bytes: Int) {
    let frames = min(Int(state.steps), model.dialogue.configuration.context)
    return (frames, frames * model.dialogue.cacheBytesPerFrame)
  }

  /// Hears one frame and says one.
  ///
  /// - Parameters:
  ///   - frame: `samplesPerFrame` samples of the person.
  ///   - reply: `samplesPerFrame` samples of the model; silence until it is ready.
  public mutating func step(_ frame: Span<Float>, into reply: inout MutableSpan<Float>) -> Step {
    var step = Step()
    step.encodeStart = MonotonicClock.microseconds
    Self.hear(frame, into: &heard, model, &encoder)
    step.encodeEnd = MonotonicClock.microseconds
    think(&step)
    speak(into: &reply, &step)
    return step
  }

  /// Hears "the recording has ended" instead of a frame: the token that translation models wait for.
  public mutating func stepAfterEnd(into reply: inout MutableSpan<Float>) -> Step {
    var step = Step()
    step.encodeStart = MonotonicClock.microseconds
    for index in heard.indices { heard[index] = Int32(model.dialogue.streams.cardinality) }
    step.encodeEnd = MonotonicClock.microseconds
    think(&step)
    speak(into: &reply, &step)
    return step
  }

  private mutating func think(_ step: inout Step) {
    let streams = model.dialogue.streams
    if !isBegun {
      isBegun = true
      if start == .recording { _ = Self.answer(heard, into: &said, model, &state) }
    }
    let answer = Self.answer(heard, into: &said, model, &state)
    step.text = answer.text
    step.isReady = answer.isReady && streams.own > 0
    step.userSemantic = heard[0]
    step.ownSemantic = said.isEmpty ? 0 : said[0]
    step.temporalEnd = Int64(answer.times.temporal / 1000)
    step.textEnd = Int64(answer.times.text / 1000)
    step.depthEnd = Int64(answer.times.depth / 1000)
  }

  private mutating func speak(into reply: inout MutableSpan<Float>, _ step: inout Step) {
    if step.isReady {
      Self.say(said, into: &reply, model, &decoder)
    } else {
      for index in 0..<reply.count { reply[index] = 0 }
    }
    step.decodeEnd = MonotonicClock.microseconds
  }

  // Static, so that the buffer and the state, two parts of one value, can be written in one call.
  private static func hear(
    _ frame: Span<Float>, into codes: inout [Int32], _ model: Model, _ encoder: inout EncoderState
  ) {
    var span = codes.mutableSpan
    model.codec.encode(frame, into: &span, &encoder)
  }

  private static func answer(
    _ heard: [Int32], into said: inout [Int32], _ model: Model, _ state: inout DialogueState
  ) -> DialogueStep {
    var span = said.mutableSpan
    return model.dialogue.step(heard.span.extracting(0..<model.dialogue.streams.user), into: &span, &state)
  }

  private static func say(
    _ codes: [Int32], into reply: inout MutableSpan<Float>, _ model: Model, _ decoder: inout DecoderState
  ) {
    model.codec.decode(codes.span, into: &reply, &decoder)
  }
}

extension FrameRecord {
  /// What a step tells, as a row of the log; `clock` turns its times into the run's.
  init(_ step: Conversation.Step, _ configuration: DialogueConfiguration, _ clock: FrameClock) {
    self.init()
    encodeStart = clock.now(step.encodeStart)
    encodeEnd = clock.now(step.encodeEnd)
    stepStart = encodeEnd
    backboneEnd = clock.now(step.temporalEnd)
    textEnd = clock.now(step.textEnd)
    depthEnd = clock.now(step.depthEnd)
    decodeEnd = clock.now(step.decodeEnd)
    source = step.isReady ? .backbone : .silence
    textID = Int64(step.text)
    textIsPadding = step.text == configuration.textPadding || step.text == configuration.textEndOfPadding
    userSemantic = Int64(step.userSemantic)
    ownSemantic = step.isReady ? Int64(step.ownSemantic) : nil
  }
}
