import Checkpoint
import Foundation
import Kernels
import TestSupport
import Testing

@testable import Dialogue

/// The drafter's columns against those of the training code (Assets/golden/tiny-drafter).
struct DrafterGoldenTests {
  private let directory: TemporaryDirectory
  private let dialogue: Dialogue
  private let user: [Int32]
  private let trace: Safetensors

  init() throws {
    directory = try TemporaryDirectory()
    for file in ["config.json", "drafter.safetensors"] {
      try FileManager.default.copyItem(
        atPath: Golden.path("tiny-drafter/\(file)"), toPath: directory.file(file))
    }
    try FileManager.default.copyItem(
      atPath: Golden.path("tiny-dialogue/moshi/model.safetensors"),
      toPath: directory.file("model.safetensors"))
    dialogue = try Dialogue.open(directory.path, isDrafting: true)
    user = try Golden.open("tiny-dialogue/moshi/input.safetensors").int32s("codes", rank: 2).values
    trace = try Golden.open("tiny-drafter/trace.safetensors")
  }

  /// Frames for a pass, by step; steps 0 and 1 are always the backbone's.
  private static func framesPerPass(_ policy: String, _ step: Int) -> Int {
    guard step > 1 else { return 1 }
    return policy.hasSuffix("lazy2") ? 2 : policy == "lazy3" ? 3 : 1
  }

  private static func prediction(_ policy: String) -> Prediction {
    switch policy {
    case "base": Prediction(spare: 2)
    case "early": Prediction(isEarly: true, spare: 1)
    case "early+lazy2": Prediction(isEarly: true, framesPerPass: 2)
    case "lazy2": Prediction(framesPerPass: 2, spare: 1)
    default: Prediction(framesPerPass: 3)
    }
  }

  @Test(
    "columns, drafts and what is remembered are the training code's",
    arguments: ["base", "early", "lazy2", "lazy3", "early+lazy2"])
  func policies(policy: String) throws {
    let (streams, steps) = (dialogue.streams, user.count / dialogue.streams.user)
    let text = try trace.int32s("\(policy).text", rank: 1).values
    let audio = try trace.int32s("\(policy).audio", rank: 2).values
    let isDrafted = try trace.int32s("\(policy).drafted", rank: 1).values
    let drafts = try trace.int32s("\(policy).drafts", rank: 3).values
    var state = dialogue.makeGreedyState()
    try state.predict(Self.prediction(policy))
    var stepper = DialogueStepper(dialogue)
    for step in 0..<steps {
      let usual = Self.prediction(policy)
      let count = Self.framesPerPass(policy, step)
      try state.predict(
        Prediction(
          isEarly: usual.isEarly, framesPerPass: count, spare: usual.spare + usual.framesPerPass - count))
      var own = [Int32](repeating: -1, count: streams.own)
      var span = own.mutableSpan
      let heard = user.span.extracting(step * streams.user..<(step + 1) * streams.user)
      let result = stepper.step(heard, into: &span, &state)
      #expect(result.text == text[step])
      #expect((result.positions == 0) == (isDrafted[step] == 1))
      // The reference writes the initial token where a row has not begun.
      let said = Array(dialogue.drawnCodes(state))
      let expected = Array(audio[step * streams.own..<(step + 1) * streams.own])
      #expect(step == 0 ? said[0] == expected[0] : said == expected)
      guard result.positions > 0 else { continue }
      for module in 0..<2 {
        let rows = (step * 2 + module) * (1 + streams.own)
        let tokens = UnsafeBufferPointer(
          start: dialogue.ring.tokens(at: state.steps + Int64(module), state.memory.view),
          count: 1 + streams.own)
        let drafted = Array(drafts[rows..<rows + 1 + streams.own])
        // An early frame's codes stay as they came out, whatever is drafted for them now.
        #expect(Array(tokens) == drafted, "step \(step), module \(module + 1)")
      }
    }
  }
}
