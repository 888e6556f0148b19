internal import AudioIO
internal import Base
internal import Codec
internal import Dialogue
internal import Latency

/// A conversation with a recording whose next frames are known: several are answered in one pass of the backbone
/// (`DialogueStepper.speculate`).
struct Foresight: ~Copyable {
  private var ear: Ear
  private var mouth: Mouth
  private var state: DialogueState
  private var stepper: DialogueStepper
  /// Of the frames that were heard and have no answer, [frames][streams.user].
  private var heard: [Int32] = []
  private var own: [Int32]
  private var reply: [Float]
  /// The first frame is heard twice, so that nothing of the recording is lost; the first answer is dropped.
  private var isFirst = true
  private let streams: Streams

  init(_ model: Model, _ options: FileSession.Options) throws(DialogueError) {
    streams = model.dialogue.streams
    ear = Ear(model.codec)
    mouth = Mouth(model.codec)
    stepper = DialogueStepper(model.dialogue)
    var state = model.makeState(seed: options.seed, isGreedy: options.isGreedy)
    try state.predict(Prediction(spare: model.dialogue.draftedColumns))
    self.state = state
    own = [Int32](repeating: 0, count: streams.own)
    reply = [Float](repeating: 0, count: model.codec.configuration.samplesPerFrame)
  }

  /// Whether another frame is of use before the next answer.
  var wantsMore: Bool { heard.count < (1 + state.prediction.spare) * streams.user }

  /// - Parameter frame: the person's samples; nil is the end of the recording.
  mutating func hear(_ frame: [Float]?) {
    if let frame { ear.hear(frame.span) } else { ear.hear(sign: Int32(streams.cardinality)) }
    heard += ear.codes.prefix(streams.user)
    if isFirst { heard += ear.codes.prefix(streams.user) }
    isFirst = false
  }

  /// Answers the oldest frames, as many as one pass can.
  ///
  /// - Parameter said: called for each with its text token and its samples.
  mutating func answer(said: (Int32, [Float]) -> Void) {
    var answers: [(step: DialogueStep, codes: [Int32])] = []
    let before = state.steps
    let taken = think(&answers)
    heard.removeFirst(taken * streams.user)
    for (index, answer) in answers.enumerated() {
      if before + Int64(index) == 0 { continue }
      Self.speak(answer.step.isReady ? answer.codes : [], into: &reply, &mouth)
      said(answer.step.text, reply)
    }
  }

  private mutating func think(_ answers: inout [(step: DialogueStep, codes: [Int32])]) -> Int {
    let (frames, most) = (heard, (1 + state.prediction.spare) * streams.user)
    let some = frames.span.extracting(0..<min(most, frames.count))
    return Self.speculate(some, &own, &stepper, &state, &answers)
  }

  // These are static, so that parts of one value can be written in one call.
  private static func speak(_ codes: [Int32], into reply: inout [Float], _ mouth: inout Mouth) {
    var span = reply.mutableSpan
    if codes.isEmpty { mouth.rest(into: &span) } else { mouth.speak(codes.span, into: &span) }
  }

  private static func speculate(
    _ user: Span<Int32>, _ own: inout [Int32], _ stepper: inout DialogueStepper, _ state: inout DialogueState,
    _ answers: inout [(step: DialogueStep, codes: [Int32])]
  ) -> Int {
    var span = own.mutableSpan
    return stepper.speculate(user, into: &span, &state) { answers.append(($0, Array($1))) }
  }
}

extension FileLoop {
  /// The whole recording, several frames in one pass.
  mutating func speculate(
    from source: any AudioSource, to sink: any AudioSink, _ proceed: (FileSession.Outcome) -> Bool
  ) throws(DialogueError) {
    var foresight = try Foresight(model, options)
    // The frames that have no answer yet, and how many came after the recording.
    var waiting: [(frame: [Float], waited: Int)] = []
    var goesOn = true
    while goesOn {
      while foresight.wantsMore, next(of: source) {
        foresight.hear(phase == .ending ? nil : frame)
        waiting.append((frame, waited))
      }
      guard !waiting.isEmpty else { return }
      outcome.passes += 1
      foresight.answer { token, reply in
        guard goesOn else { return }
        let (frame, waited) = waiting.removeFirst()
        goesOn = !isOver(waited) && tell(token, reply, to: frame, sink) && proceed(outcome)
      }
    }
  }

  private mutating func tell(_ token: Int32, _ reply: [Float], to heard: [Float], _ sink: any AudioSink)
    -> Bool
  {
    let isWritten = deliver(reply, to: heard, sink)
    note(token, isQuiet: Loudness(reply.span).decibels < Self.quietDecibels, isWritten: isWritten)
    return isWritten
  }
}
