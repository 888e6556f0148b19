internal import Base
internal import Kernels

/// What one conversation remembers: keys and values, the last tokens of every row, the generator, its settings.
///
/// It is a value: a new one is a reset, and `fork()` copies one on purpose. `DialogueStepper` and `DialogueBatch`
/// advance it; they own the scratch of a step.
public struct DialogueState: ~Copyable, Sendable {
  /// The model that made it, which alone may advance it.
  public let dialogue: Dialogue
  let memory: MemoryBlock
  /// Steps taken.
  public internal(set) var steps: Int64
  var generator: SeededGenerator
  /// How text tokens are drawn.
  public var textSampling: Sampling
  /// How codes are drawn.
  public var audioSampling: Sampling
  /// How far it runs ahead of the backbone.
  public internal(set) var prediction = Prediction.none
  /// Draws what is drafted, so that drafts leave the generator of what is said alone.
  var draftGenerator = SeededGenerator(seed: 0)
  /// Columns that may have to be drafted after a step, now or with more frames for a pass.
  var reach = 0
  /// Columns that were said without the backbone and that its next pass takes in.
  var pending = 0
  /// Columns that are drafted beyond the last step.
  var drafts = 0
  /// Frames whose codes came out: they are remembered as they are.
  var delivered: Int64 = 0

  /// Bytes of this state.
  public var bytes: Int { memory.bytes }

  /// A copy that shares nothing with this one and draws the same tokens.
  public borrowing func fork() -> DialogueState {
    DialogueState(
      dialogue: dialogue, memory: memory.fork(), steps: steps, generator: generator,
      textSampling: textSampling, audioSampling: audioSampling, prediction: prediction,
      draftGenerator: draftGenerator, reach: reach, pending: pending, drafts: drafts, delivered: delivered)
  }
}

extension DialogueState {
  /// Runs ahead of the backbone from the next step on.
  ///
  /// - Parameter prediction: whether frames are early can be chosen only before the first step.
  /// - Throws: where the drafter has too few modules, no row is delayed, or a number is out of its range.
  public mutating func predict(_ prediction: Prediction) throws(DialogueError) {
    try dialogue.check(prediction)
    guard steps == 0 || prediction.isEarly == self.prediction.isEarly else {
      throw .badArgument(
        name: "isEarly", expected: "\(self.prediction.isEarly), as when it began",
        found: "\(prediction.isEarly)")
    }
    self.prediction = prediction
    reach = prediction.draftedColumns
  }

  /// Runs the backbone in every step from now on, or once for `frames` frames again.
  ///
  /// - Precondition: at most as many as `predict` was given.
  package mutating func setFramesPerPass(_ frames: Int) {
    prediction.framesPerPass = frames
    precondition(
      prediction.draftedColumns <= reach, "no more frames for a pass than the conversation was begun with")
  }

  /// Columns that are drawn after a step: those that are needed, and those that a later module reads.
  var drawnDrafts: Int { max(prediction.draftedColumns, reach - 1) }

  /// Whether a column so many steps ahead is one of these; others are only drawn because a batch draws them for all.
  func draws(_ ahead: Int64) -> Bool { ahead <= Int64(drawnDrafts) }

  /// Whether the next step says what was drafted, without the backbone.
  var speaksDraft: Bool {
    pending + 1 < prediction.framesPerPass && drafts >= prediction.draftsForStep
  }

  /// The codes that the next step, or one after it, gives if the model says what it drafted.
  ///
  /// - Parameters:
  ///   - ahead: steps after the next one.
  ///   - own: [streams.own]; left as they are where too little is drafted.
  /// - Returns: whether they are there.
  package borrowing func copyDraftedFrame(
    ahead: Int = 0, into own: inout MutableSpan<Int32>
  ) -> Bool {
    guard drafts >= prediction.draftsForStep + ahead else { return false }
    let newest = steps + Int64(ahead) + (prediction.isEarly ? 1 : 0)
    guard dialogue.ring.isReady(newest) else { return false }
    own.withUnsafeMutableBufferPointer {
      if let own = $0.baseAddress { dialogue.ring.undelay(at: newest, into: own, memory.view) }
    }
    return true
  }

  /// Remembers other codes than those of the frame that the last step gave: what was heard in their place.
  ///
  /// - Parameter own: [streams.own]
  package mutating func remember(_ own: Span<Int32>) {
    if delivered > 0 { remember(own, ofFrame: delivered - 1, before: .max) }
  }

  /// Random numbers that a step takes from the generator, whether its tokens are drawn or said as drafted.
  var drawsPerStep: Int {
    (textSampling.temperature > 0 ? 1 : 0) + (audioSampling.temperature > 0 ? dialogue.streams.own : 0)
  }

  /// Takes the random numbers of rows whose codes are not drawn.
  mutating func passOver(rows: Int) {
    if audioSampling.temperature > 0 { generator.skip(rows) }
  }

  /// Remembers, of the frame after the last that was given, the codes that are drawn already: those of another frame, which
  /// may be heard in its place.
  ///
  /// - Parameter own: [streams.own]
  package mutating func rememberBeginning(_ own: Span<Int32>) {
    remember(own, ofFrame: delivered, before: steps)
  }

  private mutating func remember(_ own: Span<Int32>, ofFrame frame: Int64, before end: Int64) {
    for row in dialogue.streams.ownRows {
      let step = frame + Int64(dialogue.streams.delays[row])
      if step < end { dialogue.ring.tokens(at: step, memory.view)[row] = own[row - 1] }
    }
  }

  /// Acts as if `frames` frames had passed: their keys and values are zeros, and cost as much as any others.
  package mutating func jump(_ frames: Int) { steps += Int64(frames) }
}

/// The results of one step, apart from the codes.
public struct DialogueStep: Sendable, BitwiseCopyable {
  /// The text token of this step.
  public var text: Int32
  /// Whether codes came out; false during the first `maxDelay` steps.
  public var isReady: Bool
  /// Whether the text token says nothing: padding, or the end of padding.
  public var isPadding: Bool
  /// The model's probability of padding in this step, before temperature.
  public var paddingProbability: Float
  /// When the backbone, the text and the codes of this step were done, in microseconds since the epoch of the clock
  /// that the step was given.
  public var times: (backbone: Int64, text: Int64, depth: Int64)
  /// When the drafts of this step were done; 0 where nothing was drafted.
  public var draftEnd: Int64
  /// Positions that the backbone took in: 0 where the step said what was drafted.
  public var positions: Int
  /// Drafted columns that the codes of this step rest on: 0 where the backbone drew them all.
  public var draftDepth: Int
  /// Of the columns that this step's pass took in as they had been said; only where the prediction is measured.
  public var regret: Regret

  init() {
    (text, isReady, isPadding, paddingProbability, times) = (0, false, false, 0, (0, 0, 0))
    (draftEnd, positions, draftDepth) = (0, 1, 0)
    regret = Regret()
  }
}
