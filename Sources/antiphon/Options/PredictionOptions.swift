import ArgumentParser
import Dialogue

/// The options of multi-token prediction. Not shown in the help: the model that ships has no drafter.
struct PredictionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Play the codes that the model's delays keep back as its drafter guesses them, 80 ms sooner: on or off.",
      visibility: .private))
  var early = Switch.off

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
  var isDrafting: Bool { prediction.modules > 0 }

  var prediction: Prediction { Prediction(isEarly: early == .on, framesPerPass: framesPerPass) }
}

/// Whether a late frame is concealed.
struct ConcealmentOptions: ParsableArguments {
  /// Of frames that are made ahead: they bridge a step that is two frames late.
  static let mostSpareFrames = 2

  @Option(
    help: ArgumentHelp(
      "Play a drafted frame where the next one is late: on or off; the default is on with a model that has a drafter.",
      visibility: .private))
  var conceal: Switch?

  /// The prediction with spare frames, as far as the drafter reaches.
  ///
  /// - Parameter modules: of the model's drafter; 0 without one. Where concealment is asked for and there are too few, the
  ///   prediction needs more than there are, and the model refuses it in words.
  func added(to prediction: Prediction, modules: Int) -> Prediction {
    let left = modules - prediction.modules
    var prediction = prediction
    switch conceal {
    case .off: prediction.spare = 0
    case .on: prediction.spare = min(max(left, 1), Self.mostSpareFrames)
    case nil: prediction.spare = min(max(left, 0), Self.mostSpareFrames)
    }
    return prediction
  }
}

/// The value of an option that is on or off.
enum Switch: String, CaseIterable, ExpressibleByArgument {
  case on, off
}
