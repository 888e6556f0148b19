internal import Base
internal import Kernels
internal import Layers

/// Scratch for steps of up to a given number of lanes. The results of a step can be read there until the next one.
struct DialogueScratch: ~Copyable, Sendable {
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

/// The inputs and outputs of one step of several conversations, by lane.
struct StepRequest {
  /// [count], all of one model, each once.
  let states: UnsafePointer<UnsafeMutablePointer<DialogueState>>
  let count: Int
  /// [count][streams.user]; nil for a model that hears nothing.
  let user: UnsafePointer<Int32>?
  /// [count][1 + streams.own]: text and codes that replace the drawn ones; -1 where the token is drawn.
  var forced: UnsafePointer<Int32>?
  /// [count][streams.own]; nil for a model that does not speak.
  let own: UnsafeMutablePointer<Int32>?
  /// The clock of the step's times.
  let clock: RunClock
  /// [count]
  let results: UnsafeMutablePointer<DialogueStep>
}
