internal import Base
internal import Kernels
internal import Layers

/// Scratch for steps of up to a given number of lanes. The results of a step can be read there until the next one.
struct DialogueScratch: ~Copyable, Sendable {
  struct Plan: Sendable {
    let memory: MemoryPlan
    /// Most states of a step, and most lanes of a pass: a state that ran ahead of its backbone needs several.
    let states: Int
    let lanes: Int
    let backbone: Backbone.Scratch
    let speaker: Speaker.Scratch
    /// The newest hidden state of each conversation, [states][width].
    let newest: Region<Float>
    let active: Region<Int>  // [states]
    let drafter: FrameDrafter.Scratch?
  }

  let plan: Plan
  let memory: MemoryBlock
  private let lanes: Lanes
  private let depthLanes: Lanes

  init(_ plan: Plan) {
    self.plan = plan
    memory = MemoryBlock(plan.memory)
    lanes = Lanes(capacity: plan.lanes)
    // One for each state, or for each column that is reviewed.
    depthLanes = Lanes(capacity: plan.lanes)
  }

  /// [states], for `StepRequest`.
  var active: UnsafeMutablePointer<Int> { memory.view[plan.active] }

  /// A pass of the backbone, without lanes yet.
  func pass(_ workers: Workers) -> Pass {
    lanes.removeAll()
    return Pass(lanes, scratch: memory.view, workers)
  }

  /// A pass of the depth transformer, which fills its lanes.
  func depthPass(_ workers: Workers) -> Pass { Pass(depthLanes, scratch: memory.view, workers) }
}
