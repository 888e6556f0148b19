internal import Base
internal import Kernels
internal import Layers

/// Scratch for steps of up to a given number of lanes. The results of a step can be read there until the next one.
struct DialogueScratch: ~Copyable, Sendable {
  struct Plan: Sendable {
    let memory: MemoryPlan
    /// Most states of a step, and most lanes of a pass: a state whose backbone ran ahead of needs several.
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
    depthLanes = Lanes(capacity: plan.states)
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

/// The inputs and outputs of one step of several conversations, by their index in it.
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
  /// The conversations whose backbone runs in this step, by index, [activeCount]; the others say what was drafted.
  let active: UnsafeMutablePointer<Int>
  var activeCount = 0

  /// The state of an active conversation.
  func state(_ index: Int) -> UnsafeMutablePointer<DialogueState> { states[active[index]] }

  /// The token that a row of an active conversation is given; -1 where it is drawn.
  func given(_ index: Int, row: Int, of rows: Int) -> Int32 {
    forced.map { $0[active[index] * rows + row] } ?? -1
  }

  /// The largest of a number of the active conversations.
  func most(_ number: (borrowing DialogueState) -> Int) -> Int {
    var most = 0
    for index in 0..<activeCount { most = max(most, number(state(index).pointee)) }
    return most
  }

  /// Lanes of the pass: those of one conversation, oldest first, follow those of the one before.
  var lanes: Int {
    var sum = 0
    for index in 0..<activeCount { sum += 1 + state(index).pointee.pending }
    return sum
  }

  /// Copies the newest lane of each active conversation.
  ///
  /// - Parameters:
  ///   - x: [lanes][width]
  ///   - newest: [activeCount][width]
  func gather(_ x: UnsafePointer<Float>, width: Int, into newest: UnsafeMutablePointer<Float>) {
    var lane = -1
    for index in 0..<activeCount {
      lane += 1 + state(index).pointee.pending
      (newest + index * width).update(from: x + lane * width, count: width)
    }
  }
}
