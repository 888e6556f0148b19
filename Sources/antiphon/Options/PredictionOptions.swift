import ArgumentParser
import Dialogue

/// The options of multi-token prediction. Not shown in the help: the model that ships has no drafter.
struct PredictionOptions: ParsableArguments {
  @Flag(
    inversion: .prefixedNo,
    help: ArgumentHelp(
      "Play the codes that the model's delays keep back as its drafter guesses them, 80 ms sooner.",
      visibility: .private))
  var early = false

  @Option(
    name: .customLong("frames-per-pass"),
    help: ArgumentHelp(
      "Run the backbone once for so many frames while the model speaks and nobody else does; the others are drafted.",
      valueName: "number", visibility: .private))
  var framesPerPass = 1

  func validate() throws {
    guard (1...7).contains(framesPerPass) else {
      throw ValidationError("--frames-per-pass takes a number from 1 to 7.")
    }
  }

  /// Whether the model's drafter is needed.
  var isDrafting: Bool { early || framesPerPass > 1 }

  var prediction: Prediction { Prediction(isEarly: early, framesPerPass: framesPerPass) }
}
