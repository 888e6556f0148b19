import Dialogue

extension Message {
  init(_ error: DialogueError) {
    switch error {
    case .badArgument(let name, let expected, let found):
      self.init(
        "'\(name)' is \(found), and it takes \(expected).", "Choose a value that is allowed.", .usage)
    case .unknownCondition(let name, let known):
      self.init(
        "The model has no condition '\(name)'.", Self.choices(known, none: "This model takes no conditions."),
        .usage)
    case .unknownValue(let condition, let value, let known):
      self.init(
        "The condition '\(condition)' has no value '\(value)'.",
        Self.choices(known, none: "This condition takes no values."), .usage)
    case .wrongCount(let name, let expected, let found):
      self.init(
        "'\(name)' has \(found) values, and \(expected) are expected.", "Give it as many as are expected.",
        .badData)
    case .anotherModel:
      self.init(
        "A conversation was passed to a model that did not make it.",
        "This is a fault of the program: please report it.", .software)
    case .batchIsFull(let capacity):
      self.init(
        "All \(capacity) slots for conversations are taken.", "Wait until one of them has ended.", .usage)
    case .emptySlot(let slot):
      self.init(
        "Slot \(slot) has no conversation.", "This is a fault of the program: please report it.", .software
      )
    case .noDrafter(let model):
      self.init(
        "The model '\(model)' has no drafter, so it cannot run ahead.",
        "Leave out --early, --conceal, --frames-per-pass and --speculate, or use a model whose config.json has 'mctp'.",
        .usage)
    case .tooFewModules(let needed, let present):
      self.init(
        "\(needed) columns would have to be drafted, and the model's drafter has \(present) module\(present == 1 ? "" : "s").",
        "Use fewer frames for one pass, or leave out --early or --conceal.", .usage)
    case .noDelay:
      self.init(
        "No row of this model is delayed, so no frame can be said sooner.", "Leave out --early.", .usage)
    }
  }

  private static func choices(_ known: [String], none: String) -> String {
    known.isEmpty ? none : "Available: " + known.joined(separator: ", ")
  }
}
