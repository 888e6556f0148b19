import ArgumentParser
import Base
import Checkpoint
import Codec
import Runtime

/// `antiphon inspect`
struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tell what a model is, and what it needs.",
    discussion: """
      Lists the tensors of a safetensors file or of a model directory, and tells how many bytes a frame reads, \
      how much memory a session keeps, and how fast the memory of a machine has to be for real time.

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
