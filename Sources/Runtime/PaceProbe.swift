internal import Base
internal import Codec
package import Dialogue

/// Finds out for how many frames one pass of the backbone must serve on this machine (`--frames-per-pass auto`).
package struct PaceProbe {
  /// Milliseconds of the 80 that a frame lasts that may be spent on it.
  private static let milliseconds = 76.0
  private static let passes = 6

  private let model: Model
  private let isEarly: Bool

  package init(_ model: Model, isEarly: Bool) { (self.model, self.isEarly) = (model, isEarly) }

  /// The fewest frames that are made in time, with a full window; if none are, the most that the drafter allows.
  ///
  /// Takes some passes of each number of frames that is tried.
  package func framesPerPass() throws(DialogueError) -> Int {
    let most = model.dialogue.draftedColumns - (isEarly ? 1 : 0) + 1
    let codec = codecMilliseconds()
    for frames in 1..<max(most, 1)
    where try worstMilliseconds(frames) / Double(frames) + codec <= Self.milliseconds {
      return frames
    }
    return max(most, 1)
  }

  /// Of one frame, both ways.
  private func codecMilliseconds() -> Double {
    var ear = Ear(model.codec)
    var mouth = Mouth(model.codec)
    let frame = [Float](repeating: 0, count: model.codec.configuration.samplesPerFrame)
    var (reply, worst) = (frame, 0.0)
    for _ in 0..<Self.passes {
      let start = MonotonicClock.now
      ear.hear(frame.span)
      var span = reply.mutableSpan
      mouth.speak(ear.codes.span, into: &span)
      worst = max(worst, Double(MonotonicClock.now - start) / 1e6)
    }
    return worst
  }

  /// Of the slowest pass with the frames that it serves, after the first.
  private func worstMilliseconds(_ frames: Int) throws(DialogueError) -> Double {
    var state = model.dialogue.makeState()
    try state.predict(Prediction(isEarly: isEarly, framesPerPass: frames))
    state.jump(model.dialogue.configuration.context)
    var stepper = DialogueStepper(model.dialogue)
    let heard = [Int32](repeating: 0, count: model.dialogue.streams.user)
    var said = [Int32](repeating: 0, count: model.dialogue.streams.own)
    var worst = 0.0
    for pass in 0...Self.passes {
      let start = MonotonicClock.now
      for _ in 0..<frames {
        var span = said.mutableSpan
        _ = stepper.step(heard.span, into: &span, &state)
      }
      if pass > 0 { worst = max(worst, Double(MonotonicClock.now - start) / 1e6) }
    }
    return worst
  }
}
