public import Base
internal import Codec
public import Dialogue

/// One conversation: a frame of sound in, a frame of sound out. This is the body of the loop for files, live sound, the
/// benchmark and a server, which differ only in where frames come from and go to.
///
///     frame -> Ear: codes -> DialogueState: text and codes -> Mouth: reply
///
/// Nothing here allocates, locks, throws or prints after initialization.
public struct Conversation: ~Copyable, Sendable {
  /// What happens to the first frame. The model never hears what enters with its initial tokens.
  public enum Start: Sendable {
    /// The first frame is spent on starting the model: what a person says later is answered one frame sooner.
    case live
    /// The first frame is heard twice, so that nothing of a recording is lost.
    case recording
  }

  /// The results of one step, apart from the sound. Times are microseconds since the epoch of the clock that `step` was
  /// given.
  public struct Step: Sendable, BitwiseCopyable {
    /// The dialogue model's results; nil without one, as in a mirror of the codec.
    public var dialogue: DialogueStep?
    /// Whether the reply is the model's. Until then it is silence.
    public var isReady = false
    /// First code of what was heard.
    public var userSemantic: Int32 = 0
    /// First code of what was said.
    public var ownSemantic: Int32 = 0
    /// When encoding the person's frame began.
    public var encodeStart: Int64 = 0
    /// When the person's codes were known, and the dialogue model's step began.
    public var encodeEnd: Int64 = 0
    /// When the reply's samples were known.
    public var decodeEnd: Int64 = 0
    /// Frames and bytes in the dialogue model's window after this step.
    public var cache: (frames: Int, bytes: Int) = (0, 0)
    /// Bytes of weights that this step of the dialogue model read.
    public var weightBytes = 0
    /// Whether the reply was made ahead and played because the step was late.
    public var isConcealed = false

    /// Text token of this step.
    public var text: Int32 { dialogue?.text ?? 0 }
  }

  /// The model that answers.
  public let model: Model
  private var ear: Ear
  private var state: DialogueState
  private var stepper: DialogueStepper
  private var mouth: Mouth
  private var said: [Int32]
  private var pace: DraftPace
  private let spare: Spare?
  private let start: Start

  /// A conversation before its first step.
  ///
  /// - Parameters:
  ///   - model: the model that answers; any number of conversations may share it.
  ///   - start: what happens to the first frame.
  ///   - seed: the same seed and the same sound give the same reply.
  ///   - isGreedy: always take the most likely token.
  public init(_ model: Model, start: Start = .live, seed: UInt64 = 0, isGreedy: Bool = false) {
    self.init(
      model, model.makeState(seed: seed, isGreedy: isGreedy), start, Ear(model.codec), Mouth(model.codec))
  }

  /// A conversation that has not begun and that runs ahead of the backbone.
  ///
  /// - Parameters:
  ///   - model: opened with its drafter.
  ///   - start: what happens to the first frame.
  ///   - seed: the same seed and the same sound give the same reply.
  ///   - isGreedy: always take the most likely token.
  ///   - prediction: how far it runs ahead. `framesPerPass` holds while the model speaks and the person does not.
  /// - Throws: where the model's drafter does not reach as far.
  public init(
    _ model: Model, start: Start = .live, seed: UInt64 = 0, isGreedy: Bool = false, prediction: Prediction
  ) throws(DialogueError) {
    var state = model.makeState(seed: seed, isGreedy: isGreedy)
    try state.predict(prediction)
    self.init(model, state, start, Ear(model.codec), Mouth(model.codec))
  }

  /// A conversation that continues from a state of the dialogue model: after a prompt, or where another left off.
  ///
  /// - Parameters:
  ///   - model: the model that made the state.
  ///   - state: of the dialogue model. Its seed, sampling and conditions are kept.
  ///   - start: what happens to the first frame of a state without any step; a state that has begun hears every frame
  ///     once.
  /// - Throws: if another model made the state.
  public init(
    _ model: Model, from state: consuming DialogueState, start: Start = .live
  ) throws(DialogueError) {
    guard state.dialogue === model.dialogue else { throw .anotherModel }
    self.init(model, state, start, Ear(model.codec), Mouth(model.codec))
  }

  init(
    _ model: Model, _ state: consuming DialogueState, _ start: Start, _ ear: consuming Ear,
    _ mouth: consuming Mouth
  ) {
    self.model = model
    self.start = start
    self.ear = ear
    pace = DraftPace(state.prediction)
    spare =
      state.prediction.spare > 0
      ? Spare(model.codec, codebooks: model.dialogue.streams.own, capacity: state.prediction.spare) : nil
    self.state = state
    stepper = DialogueStepper(model.dialogue)
    self.mouth = mouth
    said = [Int32](repeating: 0, count: model.dialogue.streams.own)
  }

  /// The codes of the last frame heard and of the last frame said.
  package func withCodes<Result>(_ body: (Span<Int32>, Span<Int32>) -> Result) -> Result {
    body(ear.codes.span, said.span)
  }

  /// Samples of a frame, in and out.
  public var samplesPerFrame: Int { model.codec.configuration.samplesPerFrame }

  /// Bytes that this conversation takes up in addition to the model's weights.
  public var bytes: Int {
    ear.bytes + mouth.bytes + state.bytes + stepper.bytes + (spare?.bytes ?? 0)
  }

  /// Hears one frame and says one.
  ///
  /// - Parameters:
  ///   - frame: `samplesPerFrame` samples of the person, in [-1, 1].
  ///   - reply: `samplesPerFrame` samples of the model; silence until it is ready.
  ///   - clock: the clock from which the step's times are read.
  public mutating func step(
    _ frame: Span<Float>, into reply: inout MutableSpan<Float>, clock: RunClock = .monotonic
  ) -> Step {
    var step = Step()
    step.encodeStart = clock.now
    pace.hear(frame)
    ear.hear(frame)
    return answer(&step, into: &reply, clock)
  }

  /// Hears "the recording has ended" instead of a frame: the sign that translation models wait for.
  ///
  /// - Parameters:
  ///   - reply: `samplesPerFrame` samples of the model; silence until it is ready.
  ///   - clock: the clock from which the step's times are read.
  public mutating func stepAfterEnd(
    into reply: inout MutableSpan<Float>, clock: RunClock = .monotonic
  ) -> Step {
    var step = Step()
    step.encodeStart = clock.now
    ear.hear(sign: Int32(model.dialogue.streams.cardinality))
    return answer(&step, into: &reply, clock)
  }

  // Runs the step on the codes that the ear holds, and decodes the reply.
  private mutating func answer(
    _ step: inout Step, into reply: inout MutableSpan<Float>, _ clock: RunClock
  ) -> Step {
    step.encodeEnd = clock.now
    if pace.isAdaptive { state.setFramesPerPass(pace.framesPerPass) }
    if state.steps == 0 && start == .recording {
      _ = Self.think(ear.codes, into: &said, &stepper, &state, clock)
    }
    let result = Self.think(ear.codes, into: &said, &stepper, &state, clock)
    step.dialogue = result
    step.isReady = result.isReady && !said.isEmpty
    step.userSemantic = ear.codes[0]
    step.ownSemantic = said.first ?? 0
    if step.isReady { speak(into: &reply) } else { mouth.rest(into: &reply) }
    step.decodeEnd = clock.now
    pace.speak(reply)
    let frames = min(Int(state.steps), model.dialogue.configuration.context)
    step.cache = (frames, frames * model.dialogue.cacheBytesPerFrame)
    step.weightBytes = result.positions > 0 ? model.dialogue.bytesPerStep : 0
    return step
  }

  // Decodes what is said, unless that was done ahead.
  private mutating func speak(into reply: inout MutableSpan<Float>) {
    let codes = said
    if let spare, spare.say(codes.span, into: &reply, &mouth) { return }
    mouth.speak(codes.span, into: &reply)
  }

  /// The most spare frames that it makes: those of its prediction.
  package var spareFrames: Int { spare?.capacity ?? 0 }

  /// Makes the frames that are played if the next steps are late. Not a part of the step: it may follow when the reply is
  /// on its way.
  ///
  /// - Returns: how many frames there are.
  @discardableResult
  package mutating func prepareSpare() -> Int {
    guard let spare else { return 0 }
    spare.prepare(state, after: mouth)
    return spare.count
  }

  /// Copies the sound of the spare frames, one after the other.
  ///
  /// - Parameter sound: [spareFrames][samplesPerFrame]; filled from its start.
  package func copySpare(into sound: inout MutableSpan<Float>) { spare?.copy(into: &sound) }

  /// Takes note that a spare frame was played in place of what the last step gave: it is what was said. Where several
  /// were played, the steps that they stand for follow, each with a `concede` of its own and none prepared meanwhile.
  ///
  /// - Parameters:
  ///   - step: the results of the last step.
  ///   - reply: its samples; replaced by those of the spare.
  /// - Returns: whether there was one.
  @discardableResult
  package mutating func concede(_ step: inout Step, into reply: inout MutableSpan<Float>) -> Bool {
    guard let spare, spare.sayInstead(of: &said, into: &reply, &mouth) else { return false }
    let codes = said
    state.remember(codes.span)
    spare.follow(&state)
    step.isConcealed = true
    step.ownSemantic = said.first ?? 0
    return true
  }

  // Static, so that the codes and the state, two parts of one value, can be written in one call.
  private static func think(
    _ heard: [Int32], into said: inout [Int32], _ stepper: inout DialogueStepper,
    _ state: inout DialogueState, _ clock: RunClock
  ) -> DialogueStep {
    var span = said.mutableSpan
    let user = heard.span.extracting(0..<stepper.dialogue.streams.user)
    return stepper.step(user, into: &span, &state, clock: clock)
  }
}
