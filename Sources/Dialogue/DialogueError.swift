/// What a caller of the dialogue model got wrong.
public enum DialogueError: Error, Equatable, Sendable {
  /// An argument, such as `threads`, has a value that it cannot take.
  case badArgument(name: String, expected: String, found: String)
  /// The model has no condition of that name.
  case unknownCondition(name: String, known: [String])
  /// The condition has no such value.
  case unknownValue(condition: String, value: String, known: [String])
  /// Two lists that must have matching lengths do not.
  case wrongCount(name: String, expected: Int, found: Int)
  /// The state was made by another model.
  case anotherModel
  /// Every slot of the batch has a conversation.
  case batchIsFull(capacity: Int)
  /// The slot has no conversation.
  case emptySlot(slot: Int)
  /// `config.json` of the model names no drafter.
  case noDrafter(model: String)
  /// The drafter has fewer modules than columns are to be drafted.
  case tooFewModules(needed: Int, present: Int)
  /// No row of the model is delayed, so no frame can be said sooner.
  case noDelay
}

extension DialogueError {
  /// Throws unless `value` lies in `range`.
  static func check(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws(DialogueError) {
    guard range ~= value else {
      throw .badArgument(
        name: name, expected: "a number from \(range.lowerBound) to \(range.upperBound)", found: "\(value)")
    }
  }
}
