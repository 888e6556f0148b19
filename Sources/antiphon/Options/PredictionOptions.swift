import ArgumentParser
import Dialogue
import Runtime

/// The options of multi-token prediction (`docs/Prediction.md`).
struct PredictionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Play the codes that the model's delays keep back as its drafter guesses them, 80 ms sooner: on or off.",
      valueName: "on|off"))
  var early = Switch.off

  @Option(
    name: .customLong("frames-per-pass"),
    help: ArgumentHelp(
      "Run the backbone once for so many frames while the model speaks and nobody else does; the others are drafted. auto: as few as this machine needs.",
      valueName: "number"))
  var framesPerPass = FramesPerPass.number(1)

  func validate() throws {
    if case .number(let frames) = framesPerPass, !(1...7).contains(frames) {
      throw ValidationError("--frames-per-pass takes a number from 1 to 7, or auto.")
    }
  }

  /// Whether the drafter of the model in a directory is needed; for auto only if there is one.
  func isDrafting(_ directory: String) throws -> Bool {
    if prediction.modules > 0 { return true }
    return try framesPerPass == .auto && Dialogue.modulesOfDrafter(directory) > 0
  }

  /// What is asked for; with auto as if one frame were.
  var prediction: Prediction {
    if case .number(let frames) = framesPerPass {
      return Prediction(isEarly: early == .on, framesPerPass: frames)
    }
    return Prediction(isEarly: early == .on)
  }

  /// The same with auto settled, which takes some steps of the model.
  ///
  /// - Parameter added: what else the model drafts.
  func prediction(
    for model: Model, adding added: @escaping (Prediction) -> Prediction = { $0 }
  ) throws -> Prediction {
    guard framesPerPass == .auto else { return added(prediction) }
    let isEarly = prediction.isEarly
    let probe = PaceProbe(model) { added(Prediction(isEarly: isEarly, framesPerPass: $0)) }
    return added(Prediction(isEarly: isEarly, framesPerPass: try probe.framesPerPass()))
  }
}

/// The value of `--frames-per-pass`.
enum FramesPerPass: Equatable, ExpressibleByArgument {
  case number(Int)
  case auto

  init?(argument: String) {
    if argument == "auto" {
      self = .auto
    } else if let number = Int(argument) {
      self = .number(number)
    } else {
      return nil
    }
  }

  var defaultValueDescription: String {
    switch self {
    case .number(let number): String(number)
    case .auto: "auto"
    }
  }
}

/// Whether a late frame is concealed.
struct ConcealmentOptions: ParsableArguments {
  /// The most frames that are made ahead: they bridge a step that is two frames late.
  static let mostSpareFrames = 2

  @Option(
    help: ArgumentHelp(
      "Play a drafted frame where the next one is late: on or off; the default is on with a model that has a drafter.",
      valueName: "on|off"))
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
