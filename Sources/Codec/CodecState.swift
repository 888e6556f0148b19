internal import Kernels
internal import Layers

/// What one session's encoder remembers: the tails of its convolutions and its transformer's window.
///
/// It is a value: a new one is a reset, and `fork()` copies one on purpose.
public struct EncoderState: ~Copyable, Sendable {
  var half: HalfState

  /// A copy that shares nothing with this one.
  public borrowing func fork() -> EncoderState { EncoderState(half: half.fork()) }

  /// Bytes this state occupies.
  public var bytes: Int { half.memory.bytes }
}

/// What one session's decoder remembers.
public struct DecoderState: ~Copyable, Sendable {
  var half: HalfState

  /// A copy that shares nothing with this one.
  public borrowing func fork() -> DecoderState { DecoderState(half: half.fork()) }

  /// Bytes this state occupies.
  public var bytes: Int { half.memory.bytes }
}

/// What a session of one half needs: what it keeps, and what a frame uses and nobody keeps.
struct SessionPlan: Sendable {
  var state = MemoryPlan()
  var scratch = MemoryPlan()
  /// Tokens of the transformer per frame.
  var columns = 1
}

/// The memory of one half of the codec and how far it has come.
struct HalfState: ~Copyable, Sendable {
  let memory: MemoryBlock
  private let scratch: MemoryBlock
  private let lanes: Lanes
  private let plan: SessionPlan
  /// Frames done.
  var frames: Int64

  init(_ plan: SessionPlan) { self.init(plan, MemoryBlock(plan.state), frames: 0) }

  private init(_ plan: SessionPlan, _ memory: consuming MemoryBlock, frames: Int64) {
    self.plan = plan
    self.memory = memory
    scratch = MemoryBlock(plan.scratch)
    lanes = Lanes(capacity: plan.columns)
    self.frames = frames
  }

  borrowing func fork() -> HalfState { HalfState(plan, memory.fork(), frames: frames) }

  /// What a network sees of it during one frame.
  var session: Session {
    Session(memory: memory.view, scratch: scratch.view, lanes: lanes, frames: frames)
  }
}

/// A session as the layers of one half see it during one frame; unowned.
struct Session {
  let memory: MemoryView
  let scratch: MemoryView
  let lanes: Lanes
  /// Frames before this one.
  let frames: Int64
}
