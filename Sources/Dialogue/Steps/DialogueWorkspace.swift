internal import Base
internal import Kernels
internal import Layers

/// Scratch of steps of up to some number of lanes. What a step has computed can be read there until the next one.
struct DialogueWorkspace: ~Copyable, Sendable {
  struct Plan: Sendable {
    let memory: MemoryPlan
    let lanes: Int
    let backbone: Backbone.Scratch
    let speaker: Speaker.Scratch
  }

  let plan: Plan
  let memory: MemoryBlock
  private let lanes: Lanes
  private let depthLanes: Lanes

  init(_ plan: Plan) {
    self.plan = plan
    memory = MemoryBlock(plan.memory)
    lanes = Lanes(capacity: plan.lanes)
    depthLanes = Lanes(capacity: plan.lanes)
  }

  /// A pass of the backbone, without lanes yet.
  func pass(_ workers: Workers) -> Pass {
    lanes.removeAll()
    return Pass(lanes, scratch: memory.view, workers)
  }

  /// A pass of the depth transformer, which fills its lanes.
  func depthPass(_ workers: Workers) -> Pass { Pass(depthLanes, scratch: memory.view, workers) }
}

/// What one step of some conversations is handed, by lane.
struct StepRequest {
  /// [count], all of one model, none twice.
  let states: UnsafePointer<UnsafeMutablePointer<DialogueState>>
  let count: Int
  /// [count][streams.user]; none for a model that hears nothing.
  let user: UnsafePointer<Int32>?
  /// [count][1 + streams.own]: text and codes that take the place of drawn ones, -1 where the token is drawn.
  var forced: UnsafePointer<Int32>?
  /// [count][streams.own]; none for a model that speaks nothing.
  let own: UnsafeMutablePointer<Int32>?
  /// What times are read from.
  let clock: RunClock
  /// [count]
  let results: UnsafeMutablePointer<DialogueStep>
}
