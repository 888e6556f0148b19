internal import Kernels
internal import Layers

/// What one conversation remembers: keys and values, the last tokens of every row, the generator, its settings.
///
/// It is a value: a new one is a reset, and `fork()` copies one on purpose. It holds its own scratch, so states of one
/// model may be stepped on different threads.
public struct DialogueState: ~Copyable, Sendable {
  let memory: MemoryBlock
  let workspace: DialogueWorkspace
  /// Steps done.
  public internal(set) var steps: Int64
  var generator: SeededGenerator
  /// How text tokens are drawn.
  public var textSampling: Sampling
  /// How codes are drawn.
  public var audioSampling: Sampling

  /// Bytes of this state: what it keeps, and its scratch.
  public var bytes: (kept: Int, scratch: Int) { (memory.bytes, workspace.memory.bytes) }

  /// A copy that shares nothing with this one and draws the same tokens.
  public borrowing func fork() -> DialogueState {
    DialogueState(
      memory: memory.fork(), workspace: workspace.another(), steps: steps, generator: generator,
      textSampling: textSampling, audioSampling: audioSampling)
  }
}

/// What one step tells, beside the codes.
public struct DialogueStep: Sendable, BitwiseCopyable {
  /// The text token drawn in this step.
  public var text: Int32
  /// Whether codes came out: not during the first `maxDelay` steps.
  public var isReady: Bool
  /// When the temporal transformer, the text and the codes were done: nanoseconds of CLOCK_MONOTONIC_RAW.
  public var times: (temporal: UInt64, text: UInt64, depth: UInt64)
}

/// Regions a session keeps.
struct DialogueRegions: Sendable {
  let sampled: Region<Int32>  // ring [maxDelay + 1][1 + own]: tokens drawn, by step
  let heard: Region<Int32>  // ring [maxDelay + 1][user]: codes heard, by frame
  let condition: Region<Float>  // [width]

  init(_ streams: Streams, width: Int, in plan: inout MemoryPlan) {
    sampled = plan.reserve(Int32.self, (streams.maxDelay + 1) * (1 + streams.own))
    heard = plan.reserve(Int32.self, (streams.maxDelay + 1) * max(streams.user, 1))
    condition = plan.reserve(Float.self, width)
  }
}

/// Scratch of steps of up to some number of columns.
struct DialogueWorkspace: ~Copyable, Sendable {
  struct Plan: Sendable {
    var memory = MemoryPlan()
    let columns: Int
    let x: Region<Float>  // [columns][width]
    let textLogits: Region<Float>  // [columns][text outputs]
    let extra: Region<Float>  // [columns][extra heads][extra width]
    let tokens: Region<Int32>  // [columns]
    let transformer: Transformer.Scratch
    let depth: DepthTransformer.Scratch?
    let sampler: Sampler
  }

  let plan: Plan
  let memory: MemoryBlock
  let columns: Columns
  let depthColumns: Columns

  init(_ plan: Plan) {
    self.plan = plan
    memory = MemoryBlock(plan.memory)
    columns = Columns(capacity: plan.columns)
    depthColumns = Columns(capacity: plan.columns)
  }

  borrowing func another() -> DialogueWorkspace { DialogueWorkspace(plan) }
}
