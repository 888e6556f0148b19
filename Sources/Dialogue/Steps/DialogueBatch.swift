public import Base
internal import Kernels

/// Several conversations of one model that take their steps together: every weight is read once for all of them.
///
/// Conversations are admitted to slots and released from them at any time between steps. Each says what it would say
/// alone, whatever the others do. A batch belongs to one thread at a time, and a step allocates nothing.
public final class DialogueBatch {
  /// The model of all its conversations.
  public let dialogue: Dialogue
  /// Slots: 0 ..< capacity.
  public let capacity: Int
  /// Number of conversations.
  public private(set) var count = 0
  // By slot; nil where the slot is free.
  private let states: UnsafeMutablePointer<UnsafeMutablePointer<DialogueState>?>
  private let results: UnsafeMutablePointer<DialogueStep>
  // The step in which a slot last took part, so that none takes part twice.
  private let stamps: UnsafeMutablePointer<UInt64>
  private var stamp: UInt64 = 0
  // The conversations that take part in a step, in order.
  private let members: UnsafeMutablePointer<UnsafeMutablePointer<DialogueState>>
  private let slots: UnsafeMutablePointer<Int>
  private let memberResults: UnsafeMutablePointer<DialogueStep>
  private let scratch: DialogueScratch

  /// A batch without conversations.
  ///
  /// - Parameters:
  ///   - dialogue: the model of all its conversations.
  ///   - capacity: the most conversations, 1 to 1024. Scratch is allocated for all of them.
  /// - Throws: if the capacity is out of range.
  public convenience init(_ dialogue: Dialogue, capacity: Int) throws(DialogueError) {
    try DialogueError.check("capacity", capacity, 1...1024)
    self.init(dialogue, slots: capacity)
  }

  /// A full batch: conversations before their first step, one per seed, in the slots 0, 1, ...
  public convenience init(_ dialogue: Dialogue, seeds: [UInt64]) {
    self.init(dialogue, slots: max(seeds.count, 1))
    for (slot, seed) in seeds.enumerated() { put(dialogue.makeState(seed: seed), in: slot) }
  }

  private init(_ dialogue: Dialogue, slots capacity: Int) {
    self.dialogue = dialogue
    self.capacity = capacity
    states = .allocate(capacity: capacity)
    states.initialize(repeating: nil, count: capacity)
    results = .allocate(capacity: capacity)
    results.initialize(repeating: DialogueStep(), count: capacity)
    stamps = .allocate(capacity: capacity)
    stamps.initialize(repeating: 0, count: capacity)
    members = .allocate(capacity: capacity)
    slots = .allocate(capacity: capacity)
    memberResults = .allocate(capacity: capacity)
    memberResults.initialize(repeating: DialogueStep(), count: capacity)
    scratch = DialogueScratch(dialogue.scratchPlan(states: capacity))
  }

  deinit {
    for slot in 0..<capacity {
      guard let state = states[slot] else { continue }
      state.deinitialize(count: 1)
      state.deallocate()
    }
    states.deallocate()
    results.deallocate()
    stamps.deallocate()
    members.deallocate()
    slots.deallocate()
    memberResults.deallocate()
  }

  /// Bytes of the scratch, which all conversations share.
  public var bytes: Int { scratch.memory.bytes }

  /// Whether a slot has a conversation; false if there is no such slot.
  public func isOccupied(_ slot: Int) -> Bool { 0..<capacity ~= slot && states[slot] != nil }

  /// Admits a conversation at any point of its progress.
  ///
  /// - Returns: its slot, the first that was free.
  /// - Throws: if no slot is free or another model made the state; the state is lost in that case.
  public func admit(_ state: consuming DialogueState) throws(DialogueError) -> Int {
    guard state.dialogue === dialogue else { throw .anotherModel }
    guard let slot = (0..<capacity).first(where: { states[$0] == nil }) else {
      throw .batchIsFull(capacity: capacity)
    }
    put(state, in: slot)
    return slot
  }

  /// Returns a conversation as it is and frees its slot.
  ///
  /// - Throws: if the slot has no conversation.
  public func release(_ slot: Int) throws(DialogueError) -> DialogueState {
    guard isOccupied(slot), let place = states[slot] else { throw .emptySlot(slot: slot) }
    states[slot] = nil
    results[slot] = DialogueStep()
    count -= 1
    let state = place.move()
    place.deallocate()
    return state
  }

  private func put(_ state: consuming DialogueState, in slot: Int) {
    let place = UnsafeMutablePointer<DialogueState>.allocate(capacity: 1)
    place.initialize(to: state)
    states[slot] = place
    count += 1
  }

  /// Hears one frame of every conversation and answers with one of each, in the order of their slots.
  ///
  /// - Parameters:
  ///   - user: [count][streams.user]
  ///   - own: [count][streams.own]; a conversation's codes are left as they are while it is not ready.
  ///   - clock: the clock from which the times of the step are read; they are relative to its epoch.
  /// - Precondition: the spans have these lengths.
  public func step(
    user: Span<Int32>, own: inout MutableSpan<Int32>, clock: RunClock = .monotonic
  ) {
    var member = 0
    for slot in 0..<capacity where states[slot] != nil {
      slots[member] = slot
      member += 1
    }
    advance(count: member, user, nil, &own, clock)
  }

  /// Hears one frame of some conversations and answers with one of each; the others wait.
  ///
  /// - Parameters:
  ///   - active: slots with conversations, each once, in any order.
  ///   - user: [active.count][streams.user]
  ///   - own: [active.count][streams.own]
  ///   - clock: the clock from which the times of the step are read; they are relative to its epoch.
  /// - Precondition: the spans have these lengths, and the slots have conversations.
  public func step(
    active: Span<Int>, user: Span<Int32>, own: inout MutableSpan<Int32>, clock: RunClock = .monotonic
  ) {
    take(active)
    advance(count: active.count, user, nil, &own, clock)
  }

  /// The same, with tokens that replace drawn ones.
  ///
  /// - Parameters:
  ///   - active: slots with conversations, each once, in any order.
  ///   - user: [active.count][streams.user]
  ///   - tokens: [active.count][1 + streams.own], -1 to draw the token.
  ///   - own: [active.count][streams.own]
  ///   - clock: the clock from which the times of the step are read; they are relative to its epoch.
  public func step(
    active: Span<Int>, user: Span<Int32>, forcing tokens: Span<Int32>, own: inout MutableSpan<Int32>,
    clock: RunClock = .monotonic
  ) {
    take(active)
    precondition(
      tokens.count == active.count * (1 + dialogue.streams.own), "one token for each of the models' rows")
    tokens.withUnsafeBufferPointer { advance(count: active.count, user, $0.baseAddress, &own, clock) }
  }

  private func take(_ active: Span<Int>) {
    precondition(active.count <= capacity, "no more conversations than slots")
    for member in active.indices { slots[member] = active[member] }
  }

  private func advance(
    count: Int, _ user: Span<Int32>, _ forced: UnsafePointer<Int32>?,
    _ own: inout MutableSpan<Int32>, _ clock: RunClock
  ) {
    let streams = dialogue.streams
    precondition(
      user.count == count * streams.user && own.count == count * streams.own,
      "one code for each codebook of each conversation")
    guard count > 0 else { return }
    stamp += 1
    for member in 0..<count {
      let slot = slots[member]
      guard isOccupied(slot), let state = states[slot], stamps[slot] != stamp else {
        preconditionFailure("slots with conversations, each once")
      }
      stamps[slot] = stamp
      members[member] = state
    }
    user.withUnsafeBufferPointer { user in
      own.withUnsafeMutableBufferPointer { own in
        let request = StepRequest(
          states: UnsafePointer(members), count: count, user: user.baseAddress, forced: forced,
          own: own.baseAddress, clock: clock, results: memberResults, active: scratch.active)
        dialogue.advance(request, scratch)
      }
    }
    for member in 0..<count { results[slots[member]] = memberResults[member] }
  }

  /// The results of the last step of the conversation in a slot; empty for a free slot.
  ///
  /// - Precondition: 0 ..< capacity
  public func result(_ slot: Int) -> DialogueStep {
    precondition(0..<capacity ~= slot, "a slot of the batch")
    return results[slot]
  }

  /// Reads or changes the conversation in a slot between steps: its sampling, or another state of the model in its
  /// place.
  ///
  /// - Precondition: the slot has a conversation, and afterwards a state of the same model.
  public func withState<Result>(_ slot: Int, _ body: (inout DialogueState) throws -> Result) rethrows
    -> Result
  {
    guard isOccupied(slot), let state = states[slot] else {
      preconditionFailure("a slot with a conversation")
    }
    defer { precondition(state.pointee.dialogue === dialogue, "a state of another model") }
    return try body(&state.pointee)
  }

  /// The backbone's hidden states after the last step, by lane of that step; valid until the next step.
  package func hidden(lanes: Int) -> Hidden {
    dialogue.backbone.hidden(lanes, scratch.plan.backbone, scratch.memory.view)
  }
}
