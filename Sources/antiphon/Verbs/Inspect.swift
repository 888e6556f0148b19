import ArgumentParser
import Base
import Checkpoint
import Codec
import Runtime

/// `antiphon inspect`
struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Describe a model and what it needs.",
    discussion: """
      Describes a safetensors file or a model directory, and reports how many bytes a frame reads, how much memory a \
      conversation keeps, and how fast the memory of a machine must be for real time.

      Example:
        antiphon inspect models/moshika
      """)

  @Argument(help: "A safetensors file, or a model directory in the published layout.")
  var model: String

  @Flag(help: "Print as JSON.")
  var json = false

  @Flag(help: "List every tensor.")
  var tensors = false

  mutating func run() throws {
    let view = try InspectView(model)
    Terminal.print(json ? try JSON.text(view) : view.text(withTensors: tensors))
  }
}
