internal import Kernels
internal import Layers

/// The memory that one half of the codec needs: its state, and the scratch of one frame.
struct HalfPlan: Sendable {
  var state = MemoryPlan()
  var scratch = MemoryPlan()
  /// Positions of the transformer per frame.
  var lanes = 1
}

/// The memory of one half of the codec and the number of frames it has processed.
struct HalfState: ~Copyable, Sendable {
  let memory: MemoryBlock
  private let scratch: MemoryBlock
  private let lanes: Lanes
  private let plan: HalfPlan
  /// Frames encoded or decoded so far.
  var frames: Int64

  init(_ plan: HalfPlan) { self.init(plan, MemoryBlock(plan.state), frames: 0) }

  private init(_ plan: HalfPlan, _ memory: consuming MemoryBlock, frames: Int64) {
    self.plan = plan
    self.memory = memory
    scratch = MemoryBlock(plan.scratch)
    lanes = Lanes(capacity: plan.lanes)
    self.frames = frames
  }

  /// Becomes what another state of the same codec is; allocates nothing.
  mutating func copy(_ other: borrowing HalfState) {
    precondition(memory.bytes == other.memory.bytes, "a state of the same codec")
    memory.view.base.copyMemory(from: other.memory.view.base, byteCount: memory.bytes)
    frames = other.frames
  }

  borrowing func fork() -> HalfState { HalfState(plan, memory.fork(), frames: frames) }

  /// A network's view of it during one frame.
  var view: HalfMemory {
    HalfMemory(state: memory.view, scratch: scratch.view, lanes: lanes, frames: frames)
  }
}

/// The memory of one half as its layers see it during one frame; unowned.
struct HalfMemory {
  let state: MemoryView
  let scratch: MemoryView
  let lanes: Lanes
  /// Frames before this one.
  let frames: Int64
}
