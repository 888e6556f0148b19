import TestSupport

@testable import Dialogue

/// What a run of steps gave.
struct Talk: Equatable {
  var text: [Int32] = []
  /// As drawn in each step.
  var drawn: [[Int32]] = []
  /// As they came out, all of one frame; empty while there was nothing.
  var own: [[Int32]] = []
}

extension Dialogue {
  static func golden(_ model: String = "moshi") throws -> Dialogue {
    try open(Golden.path("tiny-dialogue/\(model)"))
  }

  /// Codes of a user who babbles, [frames][user].
  func babble(_ seed: UInt64, _ frames: Int) -> [Int32] {
    var noise = Noise(seed)
    return (0..<frames * streams.user).map { _ in
      Int32.random(in: 0..<Int32(streams.cardinality), using: &noise)
    }
  }

  /// Steps through `user`, [frames][user].
  func talk(_ user: [Int32], _ state: inout DialogueState) -> Talk {
    var stepper = DialogueStepper(self)
    var talk = Talk()
    for frame in 0..<user.count / streams.user {
      var own = [Int32](repeating: -1, count: streams.own)
      var span = own.mutableSpan
      let step = stepper.step(
        user.span.extracting(frame * streams.user..<(frame + 1) * streams.user), into: &span, &state)
      talk.text.append(step.text)
      talk.drawn.append(Array(drawnCodes(state)))
      talk.own.append(step.isReady ? own : [])
    }
    return talk
  }

  func makeGreedyState() -> DialogueState {
    var state = makeState()
    state.textSampling = .greedy
    state.audioSampling = .greedy
    return state
  }

  /// A whole run from a fresh state.
  func talk(_ user: [Int32], seed: UInt64 = 0) -> Talk {
    var state = makeState(seed: seed)
    return talk(user, &state)
  }
}

extension Talk {
  static func + (a: Talk, b: Talk) -> Talk {
    Talk(text: a.text + b.text, drawn: a.drawn + b.drawn, own: a.own + b.own)
  }
}

/// The error of that type that `body` throws, or nil.
func caught<Fault: Error>(_ body: () throws -> Void) -> Fault? {
  do {
    try body()
    return nil
  } catch {
    return error as? Fault
  }
}
