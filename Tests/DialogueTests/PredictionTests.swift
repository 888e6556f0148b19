import Checkpoint
import Foundation
import Kernels
import TestSupport
import Testing

@testable import Dialogue

/// Conversations that run ahead of the backbone, with a drafter of random weights.
struct PredictionTests {
  /// The tiny model with a drafter of `modules` modules beside it.
  static func model(modules: Int = 3, backbone: String? = nil) throws -> (Dialogue, TemporaryDirectory) {
    let directory = try TemporaryDirectory()
    try RandomDrafter.add(
      toCopyOf: Golden.path("tiny-dialogue/moshi"), in: directory, modules: modules, backbone: backbone)
    return (try Dialogue.open(directory.path, isDrafting: true), directory)
  }

  /// One step of a conversation: what was said, what came out, and what the backbone thought of the text.
  private struct Said: Equatable {
    var text: Int32
    var drawn: [Int32]
    var own: [Int32]
    var positions: Int
    /// Of the backbone; empty where it did not run.
    var logits: [Float]
  }

  private static func talk(
    _ dialogue: Dialogue, _ user: [Int32], _ prediction: Prediction, seed: UInt64 = 3,
    framesPerPass: (Int) -> Int? = { _ in nil }
  ) throws -> [Said] {
    var state = dialogue.makeState(seed: seed)
    try state.predict(prediction)
    var stepper = DialogueStepper(dialogue)
    let streams = dialogue.streams
    return (0..<user.count / streams.user).map { frame in
      if let count = framesPerPass(frame) { state.setFramesPerPass(count) }
      var own = [Int32](repeating: -1, count: streams.own)
      var span = own.mutableSpan
      let heard = user.span.extracting(frame * streams.user..<(frame + 1) * streams.user)
      let step = stepper.step(heard, into: &span, &state)
      return Said(
        text: step.text, drawn: Array(dialogue.drawnCodes(state)), own: step.isReady ? own : [],
        positions: step.positions, logits: step.positions > 0 ? Array(stepper.textLogits) : [])
    }
  }

  /// The same tokens, given to a conversation without a drafter: its logits in every step.
  private static func logits(_ said: [Said], _ user: [Int32]) throws -> [[Float]] {
    let dialogue = try Dialogue.golden()
    var state = dialogue.makeState(seed: 3)
    var stepper = DialogueStepper(dialogue)
    let streams = dialogue.streams
    return said.indices.map { frame in
      var own = [Int32](repeating: -1, count: streams.own)
      var span = own.mutableSpan
      let tokens = [said[frame].text] + said[frame].drawn
      let heard = user.span.extracting(frame * streams.user..<(frame + 1) * streams.user)
      _ = stepper.step(heard, forcing: tokens.span, into: &span, &state)
      return Array(stepper.textLogits)
    }
  }

  private static let frames = 40

  @Test("a drafter that is read and not used, or whose drafts are spare, changes nothing")
  func idle() throws {
    let (dialogue, _directory) = try Self.model()
    let plain = try Dialogue.golden()
    let user = plain.babble(100, Self.frames)
    let talk = plain.talk(user, seed: 3)
    for prediction in [Prediction.none, Prediction(spare: 1), Prediction(spare: 3)] {
      let said = try Self.talk(dialogue, user, prediction)
      #expect(said.map(\.text) == talk.text && said.map(\.drawn) == talk.drawn)
      #expect(said.map(\.own) == talk.own)
    }
    withExtendedLifetime(_directory) {}
  }

  @Test("an early frame comes out one step sooner, and what came out is what is remembered")
  func early() throws {
    let (dialogue, _directory) = try Self.model()
    let user = dialogue.babble(101, Self.frames)
    let said = try Self.talk(dialogue, user, Prediction(isEarly: true))
    #expect(said[0].own.count == dialogue.streams.own)
    for step in 1..<Self.frames {
      // Codebook 0 of a frame is drawn in its own step, the others are those of the next one.
      let played = said[step - 1].own
      #expect(played[0] == said[step - 1].drawn[0] && played[1...] == said[step].drawn[1...])
    }
    // The backbone reads what was said, no more and no less.
    #expect(try Self.logits(said, user) == said.map(\.logits))
    withExtendedLifetime(_directory) {}
  }

  @Test("frames that share a pass are thought about as in single steps", arguments: [2, 3, 4])
  func lazy(count: Int) throws {
    let (dialogue, _directory) = try Self.model()
    let user = dialogue.babble(102, Self.frames)
    let said = try Self.talk(dialogue, user, Prediction(framesPerPass: count))
    let alone = try Self.logits(said, user)
    for (step, one) in said.enumerated() {
      #expect(one.positions == (step == 0 ? 1 : step % count == 0 ? count : 0))
      #expect(one.logits.isEmpty || one.logits == alone[step])
    }
    withExtendedLifetime(_directory) {}
  }

  @Test("early frames and shared passes go together, and the number of frames may change at any step")
  func together() throws {
    let (dialogue, _directory) = try Self.model()
    let user = dialogue.babble(103, Self.frames)
    let said = try Self.talk(dialogue, user, Prediction(isEarly: true, framesPerPass: 3)) {
      [1, 3, 3, 3, 2, 3, 1, 1, 2][$0 % 9]
    }
    #expect(Set(said.map(\.positions)).isSuperset(of: [0, 1, 2]))
    let alone = try Self.logits(said, user)
    for (step, one) in said.enumerated() {
      #expect(one.logits.isEmpty || one.logits == alone[step])
      if step > 0 {
        let played = said[step - 1].own
        #expect(played[0] == said[step - 1].drawn[0] && played[1...] == said[step].drawn[1...])
      }
    }
    withExtendedLifetime(_directory) {}
  }

  @Test(
    "drafts rest on what has been heard: a change of the next frame leaves them, one of this frame does not")
  func causality() throws {
    let (dialogue, _directory) = try Self.model()
    let user = dialogue.babble(104, Self.frames)
    let rows = dialogue.streams.user
    let first = try Self.talk(dialogue, user, Prediction(isEarly: true))
    for change in [10, 20] {
      var other = user
      for row in 0..<rows { other[change * rows + row] = (other[change * rows + row] + 7) % 32 }
      let second = try Self.talk(dialogue, other, Prediction(isEarly: true))
      // What came out before the change is drafted from what was heard until then.
      #expect(second[..<change].map(\.own) == first[..<change].map(\.own))
      #expect(second[change...].map(\.own) != first[change...].map(\.own))
    }
    withExtendedLifetime(_directory) {}
  }

  @Test("conversations of a batch that run ahead say what each would say alone")
  func batch() throws {
    let (dialogue, _directory) = try Self.model()
    let (streams, predictions) = (
      dialogue.streams,
      [
        Prediction(isEarly: true), Prediction(framesPerPass: 3), .none,
        Prediction(isEarly: true, framesPerPass: 2),
      ]
    )
    let users = predictions.indices.map { dialogue.babble(110 + UInt64($0), Self.frames) }
    let batch = DialogueBatch(dialogue, seeds: predictions.indices.map { UInt64($0) })
    for (slot, prediction) in predictions.enumerated() {
      try batch.withState(slot) { try $0.predict(prediction) }
    }
    var own = predictions.map { _ in [[Int32]]() }
    for frame in 0..<Self.frames {
      let codes = users.flatMap { $0[frame * streams.user..<(frame + 1) * streams.user] }
      var out = [Int32](repeating: -1, count: predictions.count * streams.own)
      var span = out.mutableSpan
      batch.step(user: codes.span, own: &span)
      for slot in predictions.indices {
        let said = Array(out[slot * streams.own..<(slot + 1) * streams.own])
        own[slot].append(batch.result(slot).isReady ? said : [])
      }
    }
    for (slot, prediction) in predictions.enumerated() {
      let alone = try Self.talk(dialogue, users[slot], prediction, seed: UInt64(slot))
      #expect(own[slot] == alone.map(\.own))
    }
    withExtendedLifetime(_directory) {}
  }

  @Test("a fork goes on as the state it was made of")
  func fork() throws {
    let (dialogue, _directory) = try Self.model()
    let user = dialogue.babble(105, 2 * Self.frames)
    var state = dialogue.makeState(seed: 3)
    try state.predict(Prediction(isEarly: true, framesPerPass: 2))
    let half = Self.frames * dialogue.streams.user
    _ = dialogue.talk(Array(user[..<half]), &state)
    var copy = state.fork()
    #expect(dialogue.talk(Array(user[half...]), &copy) == dialogue.talk(Array(user[half...]), &state))
    withExtendedLifetime(_directory) {}
  }

  @Test(
    "spare frames that were played, one or two after another, are what the model remembers",
    arguments: [1, 2])
  func spare(played count: Int) throws {
    let (dialogue, _directory) = try Self.model()
    let user = dialogue.babble(105 + UInt64(count), Self.frames)
    let streams = dialogue.streams
    for prediction in [Prediction(spare: count), Prediction(isEarly: true, spare: count)] {
      var state = dialogue.makeState(seed: 3)
      var stepper = DialogueStepper(dialogue)
      try state.predict(prediction)
      var said: [Said] = []
      // Those that were made before the first late step, and stand for it and the steps after it.
      var spares: [[Int32]] = []
      for frame in 0..<Self.frames {
        let late = frame % (4 + count) - 4
        if late <= 0 {
          spares = (0..<count).map { ahead in
            var spare = [Int32](repeating: -1, count: streams.own)
            var span = spare.mutableSpan
            let isThere = state.copyDraftedFrame(ahead: ahead, into: &span)
            #expect(isThere == (frame > 0))
            return spare
          }
        }
        var own = [Int32](repeating: -1, count: streams.own)
        var span = own.mutableSpan
        let heard = user.span.extracting(frame * streams.user..<(frame + 1) * streams.user)
        let step = stepper.step(heard, into: &span, &state)
        if late >= 0 {
          own = spares[late]
          let played = own
          state.remember(played.span)
          if late + 1 < count {
            let next = spares[late + 1]
            state.rememberBeginning(next.span)
          }
        }
        said.append(
          Said(
            text: step.text, drawn: Array(dialogue.drawnCodes(state)), own: own, positions: 1,
            logits: Array(stepper.textLogits)))
      }
      #expect(try Self.logits(said, user) == said.map(\.logits))
      let lag = prediction.isEarly ? 1 : 0
      for step in 1..<Self.frames - 1 {
        #expect(said[step].own[1...] == said[step + lag].drawn[1...])
        #expect(said[step].own[0] == said[step + lag - 1].drawn[0])
      }
    }
    withExtendedLifetime(_directory) {}
  }

  @Test("measuring changes nothing, and regret is how unlikely the backbone alone finds what was drafted")
  func regret() throws {
    let (dialogue, _directory) = try Self.model()
    let user = dialogue.babble(108, Self.frames)
    for prediction in [
      Prediction(isEarly: true), Prediction(framesPerPass: 3), Prediction(isEarly: true, framesPerPass: 2),
    ] {
      var measured = prediction
      measured.isMeasured = true
      var state = dialogue.makeState(seed: 3)
      try state.predict(measured)
      var stepper = DialogueStepper(dialogue)
      let plain = try Self.talk(dialogue, user, prediction)
      let alone = try Self.logits(plain, user)
      for frame in 0..<Self.frames {
        var own = [Int32](repeating: -1, count: dialogue.streams.own)
        var span = own.mutableSpan
        let heard = user.span.extracting(
          frame * dialogue.streams.user..<(frame + 1) * dialogue.streams.user)
        let step = stepper.step(heard, into: &span, &state)
        #expect(step.text == plain[frame].text && Array(dialogue.drawnCodes(state)) == plain[frame].drawn)
        let reviewed = max(step.positions - 1, 0)
        let nats = (0..<reviewed).map { back -> Float in
          let logits = alone[frame - 1 - back]
          let total = logits.map { exp($0 - logits.max()!) }.reduce(0, +)
          return log(total) + logits.max()! - logits[Int(plain[frame - 1 - back].text)]
        }
        if reviewed == 0 {
          #expect(step.regret.text == nil && step.regret.semantic == nil)
        } else {
          #expect(abs(step.regret.text! - nats.reduce(0, +) / Float(reviewed)) < 1e-3)
          #expect(step.regret.semantic! > 0 && step.regret.acoustic! > 0)
        }
        if prediction.isEarly && step.positions > 0 && frame > 1 { #expect(step.regret.acoustic! > 0) }
      }
    }
    withExtendedLifetime(_directory) {}
  }

  @Test(
    "what is drafted and compared is what steps say, to the last bit, drawn or greedy, in fewer passes",
    arguments: [true, false])
  func speculation(isGreedy: Bool) throws {
    let (dialogue, _directory) = try Self.model()
    let streams = dialogue.streams
    let user = dialogue.babble(109, 60)
    for modules in 1...3 {
      var state = dialogue.makeState(seed: 11)
      var plain = dialogue.makeState(seed: 11)
      if isGreedy {
        (state.textSampling, state.audioSampling) = (.greedy, .greedy)
        (plain.textSampling, plain.audioSampling) = (.greedy, .greedy)
      }
      let expected = dialogue.talk(user, &plain)
      try state.predict(Prediction(spare: modules))
      var stepper = DialogueStepper(dialogue)
      var (text, own, passes, frame) = ([Int32](), [[Int32]](), 0, 0)
      while frame < 60 {
        let most = min(1 + modules, 60 - frame)
        var codes = [Int32](repeating: -1, count: streams.own)
        var span = codes.mutableSpan
        // Drafts of random weights are never right, so some are corrected.
        for ahead in 0..<state.drafts where ahead < frame % 4 && frame + ahead < 60 {
          let column = dialogue.ring.tokens(at: state.steps + Int64(ahead), state.memory.view)
          let right = [expected.text[frame + ahead]] + expected.drawn[frame + ahead]
          for row in right.indices { column[row] = right[row] }
        }
        let heard = user.span.extracting(frame * streams.user..<(frame + most) * streams.user)
        frame += stepper.speculate(heard, into: &span, &state) { step, codes in
          text.append(step.text)
          own.append(step.isReady ? Array(codes) : [])
        }
        passes += 1
      }
      #expect(frame == 60 && state.steps == 60)
      #expect(text == expected.text && own == expected.own)
      #expect(passes < 50)
    }
    withExtendedLifetime(_directory) {}
  }

  @Test("a step that drafts allocates nothing", .enabled(if: WorkCounter.counts))
  func allocations() throws {
    let (dialogue, _directory) = try Self.model()
    let user = dialogue.babble(107, 1)
    var state = dialogue.makeState(seed: 3)
    var stepper = DialogueStepper(dialogue)
    try state.predict(Prediction(isEarly: true, framesPerPass: 2, spare: 1, isMeasured: true))
    var own = [Int32](repeating: 0, count: dialogue.streams.own)
    let count = countAllocations {
      for _ in 0..<20 {
        var span = own.mutableSpan
        _ = stepper.step(user.span, into: &span, &state)
        _ = state.copyDraftedFrame(into: &span)
      }
    }
    #expect(count == 0)
    withExtendedLifetime(_directory) {}
  }

  @Test("a drafter of another backbone, or none, or one that does not reach as far is refused in words")
  func refusals() throws {
    #expect(throws: DialogueError.noDrafter(model: Golden.path("tiny-dialogue/moshi"))) {
      _ = try Dialogue.open(Golden.path("tiny-dialogue/moshi"), isDrafting: true)
    }
    #expect(throws: CheckpointError.self) { _ = try Self.model(backbone: "0123456789abcdef") }
    let (dialogue, _directory) = try Self.model(modules: 1)
    var state = dialogue.makeState()
    #expect(throws: DialogueError.tooFewModules(needed: 2, present: 1)) {
      try state.predict(Prediction(isEarly: true, framesPerPass: 2))
    }
    #expect(throws: DialogueError.self) { try state.predict(Prediction(framesPerPass: 0)) }
    withExtendedLifetime(_directory) {}
  }
}
