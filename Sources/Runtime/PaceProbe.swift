internal import Base
internal import Codec
package import Dialogue

/// Finds out for how many frames one pass of the backbone must serve on this machine (`--frames-per-pass auto`), and how
/// long such a pass takes.
package struct PaceProbe {
  /// Milliseconds of the 80 that a frame lasts that may be spent on it.
  private static let milliseconds = 76.0
  private static let passes = 6

  private let model: Model
  private let prediction: (Int) -> Prediction

  /// - Parameter prediction: what a conversation uses, by the frames for a pass.
  package init(_ model: Model, prediction: @escaping (Int) -> Prediction) {
    (self.model, self.prediction) = (model, prediction)
  }

  /// The fewest frames that are made in time, with a full window; if none are, the most that the drafter allows.
  ///
  /// Takes some passes of each number of frames that is tried.
  package func framesPerPass() throws(DialogueError) -> Int {
    let possible = (1...1 + model.dialogue.draftedColumns).filter {
      prediction($0).modules <= model.dialogue.draftedColumns
    }
    let codec = codecMilliseconds()
    for frames in possible.dropLast() {
      // What is spare is decoded, too.
      let sound = codec.both + Double(prediction(frames).spare) * codec.decoding
      if try times(frames).together / Double(frames) + sound <= Self.milliseconds { return frames }
    }
    return possible.last ?? 1
  }

  /// How long a step takes in which the backbone runs, with a full window, in milliseconds; the slowest of some.
  package func passMilliseconds(_ frames: Int) throws(DialogueError) -> Double { try times(frames).longest }

  /// Of one frame, the slowest of some: both ways, and decoding alone.
  private func codecMilliseconds() -> (both: Double, decoding: Double) {
    var ear = Ear(model.codec)
    var mouth = Mouth(model.codec)
    let frame = [Float](repeating: 0, count: model.codec.configuration.samplesPerFrame)
    var (reply, worst) = (frame, (both: 0.0, decoding: 0.0))
    for _ in 0..<Self.passes {
      let start = MonotonicClock.now
      ear.hear(frame.span)
      let heard = MonotonicClock.now
      var span = reply.mutableSpan
      mouth.speak(ear.codes.span, into: &span)
      worst.both = max(worst.both, Double(MonotonicClock.now - start) / 1e6)
      worst.decoding = max(worst.decoding, Double(MonotonicClock.now - heard) / 1e6)
    }
    return worst
  }

  /// Of the slowest pass with the frames that it serves, and of the slowest step.
  private func times(_ frames: Int) throws(DialogueError) -> (together: Double, longest: Double) {
    var state = model.dialogue.makeState()
    try state.predict(prediction(frames))
    state.jump(model.dialogue.configuration.context)
    var stepper = DialogueStepper(model.dialogue)
    let heard = [Int32](repeating: 0, count: model.dialogue.streams.user)
    var said = [Int32](repeating: 0, count: model.dialogue.streams.own)
    var worst = (together: 0.0, longest: 0.0)
    // The first pass has nothing drafted before it.
    for pass in 0...Self.passes {
      var together = 0.0
      for _ in 0..<frames {
        let start = MonotonicClock.now
        var span = said.mutableSpan
        _ = stepper.step(heard.span, into: &span, &state)
        let took = Double(MonotonicClock.now - start) / 1e6
        together += took
        if pass > 0 { worst.longest = max(worst.longest, took) }
      }
      if pass > 0 { worst.together = max(worst.together, together) }
    }
    return worst
  }
}
