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

  /// Bytes of this state.
  public var bytes: Int { memory.bytes }

  /// A copy that shares nothing with this one and draws the same tokens.
  public borrowing func fork() -> DialogueState {
    DialogueState(
      dialogue: dialogue, memory: memory.fork(), steps: steps, generator: generator,
      textSampling: textSampling, audioSampling: audioSampling)
  }
}

extension DialogueState {
  /// Acts as if `frames` frames had passed: their keys and values are zeros, and cost as much as any others.
  package mutating func skip(_ frames: Int) { steps += Int64(frames) }
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

  init() {
    (text, isReady, isPadding, paddingProbability, times) = (0, false, false, 0, (0, 0, 0))
  }
}
