internal import Base

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
