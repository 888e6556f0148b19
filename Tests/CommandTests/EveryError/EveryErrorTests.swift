import Foundation
import Testing

@testable import antiphon

/// Every row of docs/Errors.md, brought about as a person would, with the built program.
@Suite struct EveryErrorTests {
  private static let recipes =
    Recipe.files + Recipe.sound + Recipe.checkpoint + Recipe.shards + Recipe.packing + Recipe.tokenizer
    + Recipe.dialogue + Recipe.latency + Recipe.devices + Recipe.commands

  private static let rows = ErrorTable.sections.flatMap(\.rows).compactMap { Message($0.error) }

  @Test(
    "the command line says the sentence of the table, with its remedy and its exit code", arguments: recipes)
  func reached(recipe: Recipe) throws {
    let row = try #require(
      Self.rows.first { $0.sentence == recipe.sentence }, "no row of the table says this")
    let result = try recipe.run()
    #expect(result.sentence.pattern == row.sentence.pattern, "\(result.errors)")
    #expect(result.code == row.exit.rawValue)
    let remedy = try #require(result.errors.split(separator: "\n").last).drop { $0 == " " }
    #expect(remedy.hasPrefix(row.remedy.beginning), "\(result.errors)")
  }

  @Test("every row of the table has a recipe, or a reason why no command line reaches it")
  func complete() {
    let reached = Self.recipes.map(\.sentence)
    let said = Self.rows.map(\.sentence)
    #expect(Set(reached).count == reached.count && Set(said).count == said.count)
    #expect(Set(reached).isDisjoint(with: Recipe.unreachable.keys))
    #expect(Set(said) == Set(reached).union(Recipe.unreachable.keys))
  }
}

extension Recipe {
  /// Rows that a program meets that uses the library, and no person at the command line, each with the reason.
  static let unreachable = [
    "'a.json' cannot be read: Permission denied.":
      "every verb that reads a text says whose it is: a log's reader has an error of its own",
    "'a.json' cannot be read: Input/output error.": "the same",
    "'channels' is 6 for 'out.wav', and it takes 1 or 2.": "no verb has an option for channels of an output",
    "The model has no condition 'tempo'.": "no verb has an option for conditions",
    "The condition 'description' has no value 'loud'.": "the same",
    "'user' has 8 values, and 16 are expected.": "the verbs cut what they read into whole frames",
    "A conversation was passed to a model that did not make it.": "a verb has one model for its conversation",
    "All 8 slots for conversations are taken.": "no verb holds a batch of conversations",
    "Slot 3 has no conversation.": "the same",
  ]
}
