package import Base
internal import Codec
package import Dialogue

/// Several conversations of one model that take their steps together. Each has an ear and a mouth of its own, and the
/// dialogue model reads every weight once for all of them.
///
/// Each hears and says exactly what it would alone. A batch belongs to one thread at a time; a step allocates nothing.
package final class ConversationBatch {
  private struct Person: ~Copyable {
    var ear: Ear
    var mouth: Mouth
    let start: Conversation.Start
    var step = Conversation.Step()
  }

  package let model: Model
  private let dialogues: DialogueBatch
  private let persons: UnsafeMutablePointer<Person>
  // The current step: its slots, and the codes that are heard and said, by lane.
  private let slots: UnsafeMutableBufferPointer<Int>  // [capacity]
  private let heard: UnsafeMutableBufferPointer<Int32>  // [capacity][streams.user]
  private let said: UnsafeMutableBufferPointer<Int32>  // [capacity][streams.own]
  // For a step that a single conversation takes on its own.
  private let alone = UnsafeMutableBufferPointer<Int>.allocate(capacity: 1)
  private let ignored: UnsafeMutableBufferPointer<Int32>  // [streams.own]

  /// A batch without conversations.
  ///
  /// - Parameter capacity: the most conversations it can hold.
  package init(_ model: Model, capacity: Int) throws(DialogueError) {
    self.model = model
    dialogues = try DialogueBatch(model.dialogue, capacity: capacity)
    persons = .allocate(capacity: capacity)
    (slots, heard, said, ignored) = (
      .allocate(capacity: capacity), .allocate(capacity: capacity * model.dialogue.streams.user),
      .allocate(capacity: capacity * model.dialogue.streams.own),
      .allocate(capacity: model.dialogue.streams.own)
    )
    slots.initialize(repeating: 0)
    heard.initialize(repeating: 0)
    said.initialize(repeating: 0)
    ignored.initialize(repeating: 0)
    alone.initialize(repeating: 0)
  }

  deinit {
    for slot in 0..<dialogues.capacity where dialogues.isOccupied(slot) {
      (persons + slot).deinitialize(count: 1)
    }
    persons.deallocate()
    slots.deallocate()
    heard.deallocate()
    said.deallocate()
    ignored.deallocate()
    alone.deallocate()
  }

  /// Number of conversations.
  package var count: Int { dialogues.count }

  /// Admits a conversation that continues from a state of the dialogue model.
  ///
  /// - Returns: its slot.
  /// - Throws: if the batch is full, or another model made the state.
  package func admit(
    _ state: consuming DialogueState, start: Conversation.Start = .live
  ) throws(DialogueError) -> Int {
    let slot = try dialogues.admit(state)
    (persons + slot).initialize(
      to: Person(ear: Ear(model.codec), mouth: Mouth(model.codec), start: start))
    return slot
  }

  /// Ends a conversation and returns its dialogue state.
  ///
  /// - Throws: if the slot has no conversation.
  package func release(_ slot: Int) throws(DialogueError) -> DialogueState {
    let state = try dialogues.release(slot)
    (persons + slot).deinitialize(count: 1)
    return state
  }

  /// Hears one frame of every conversation and says one frame of each, in the order of their slots.
  ///
  /// - Parameters:
  ///   - frames: [count][samplesPerFrame]
  ///   - replies: [count][samplesPerFrame]
  ///   - clock: the clock from which the steps' times are read.
  /// - Precondition: the spans have these lengths.
  package func step(
    _ frames: Span<Float>, into replies: inout MutableSpan<Float>, clock: RunClock = .monotonic
  ) {
    let size = model.codec.configuration.samplesPerFrame
    precondition(frames.count == count * size && replies.count == count * size, "one frame for each")
    var lanes = 0
    for slot in 0..<dialogues.capacity where dialogues.isOccupied(slot) {
      slots[lanes] = slot
      lanes += 1
    }
    for lane in 0..<lanes {
      hear(frames.extracting(lane * size..<(lane + 1) * size), lane, clock)
    }
    think(lanes, clock)
    for lane in 0..<lanes {
      var reply = replies._mutatingExtracting(lane * size..<(lane + 1) * size)
      speak(into: &reply, lane, clock)
    }
  }

  private func hear(_ frame: Span<Float>, _ lane: Int, _ clock: RunClock) {
    let (slot, rows) = (slots[lane], model.dialogue.streams.user)
    persons[slot].step.encodeStart = clock.now
    persons[slot].ear.hear(frame)
    persons[slot].step.encodeEnd = clock.now
    persons[slot].step.userSemantic = persons[slot].ear.codes[0]
    for row in 0..<rows { heard[lane * rows + row] = persons[slot].ear.codes[row] }
    // A recording's first frame is heard twice, as in a single conversation.
    guard persons[slot].start == .recording, dialogues.withState(slot, { $0.steps == 0 }) else { return }
    alone[0] = slot
    let (alone, heard, ignored) = (alone, heard, ignored)
    var codes = ignored.mutableSpan
    dialogues.step(
      active: alone.span, user: heard.span.extracting(lane * rows..<(lane + 1) * rows), own: &codes,
      clock: clock)
  }

  private func think(_ lanes: Int, _ clock: RunClock) {
    let streams = model.dialogue.streams
    let (slots, heard, said) = (
      slots, heard, UnsafeMutableBufferPointer(rebasing: said[..<(lanes * streams.own)])
    )
    var codes = said.mutableSpan
    dialogues.step(
      active: slots.span.extracting(0..<lanes), user: heard.span.extracting(0..<lanes * streams.user),
      own: &codes, clock: clock)
  }

  private func speak(into reply: inout MutableSpan<Float>, _ lane: Int, _ clock: RunClock) {
    let (slot, rows) = (slots[lane], model.dialogue.streams.own)
    let result = dialogues.result(slot)
    persons[slot].step.dialogue = result
    persons[slot].step.isReady = result.isReady && rows > 0
    if persons[slot].step.isReady {
      persons[slot].step.ownSemantic = said[lane * rows]
      let said = said
      persons[slot].mouth.speak(said.span.extracting(lane * rows..<(lane + 1) * rows), into: &reply)
    } else {
      persons[slot].mouth.rest(into: &reply)
    }
    persons[slot].step.decodeEnd = clock.now
    let frames = min(dialogues.withState(slot) { Int($0.steps) }, model.dialogue.configuration.context)
    persons[slot].step.cache = (frames, frames * model.dialogue.cacheBytesPerFrame)
    persons[slot].step.weightBytes = model.dialogue.bytesPerStep
  }

  /// The results of the last step of the conversation in a slot.
  ///
  /// - Precondition: the slot has a conversation.
  package func result(_ slot: Int) -> Conversation.Step {
    precondition(dialogues.isOccupied(slot), "a slot with a conversation")
    return persons[slot].step
  }
}
