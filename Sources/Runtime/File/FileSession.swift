public import AudioIO
internal import Base
internal import Codec
public import Dialogue
package import Latency

/// A conversation with a recording: every frame of the source is heard, and the reply is written incrementally.
///
/// The reply is aligned with the recording: its sample n is what a person would have heard at sample n, not counting
/// the machine's own time. After the end of the recording the model hears silence until it has finished speaking.
public struct FileSession: Sendable {
  /// How a recording is answered.
  public struct Options: Sendable {
    /// Seed of the generator that draws tokens.
    public var seed: UInt64 = 0
    /// Always take the most likely token.
    public var isGreedy = false
    /// Write the person on the left channel and the model on the right.
    public var isStereo = false
    /// How long to listen for the rest of the reply, in seconds: 0 or more, and finite.
    public var tail = 10.0

    /// How far the conversation runs ahead of the backbone; the model must have been opened with its drafter.
    public var prediction = Prediction.none
    /// Acts as if the step of every so many frames were late, so that its spare frame is played; 0 is never.
    package var lateEvery = 0
    /// Compares what is drafted with what the backbone draws, several frames in one pass. The reply is the same as
    /// without it; the model must have been opened with its drafter, and `prediction` is none.
    public var isSpeculative = false

    /// The default options.
    public init() {}
  }

  /// The result of a session.
  public struct Outcome: Sendable {
    /// Frames heard, 80 ms each.
    public var frames = 0
    /// Seconds written.
    public var seconds = 0.0
    /// How often the backbone ran.
    public var passes = 0
    /// What the model said: each piece of text and the second it began.
    public var pieces: [(seconds: Double, text: String)] = []

    /// An outcome with nothing in it.
    public init() {}

    /// All pieces concatenated.
    public var text: String { pieces.map(\.text).joined() }
  }

  private let model: Model
  private let options: Options

  /// A session that has not been run.
  public init(_ model: Model, _ options: Options = Options()) {
    self.model = model
    self.options = options
  }

  /// Runs until the source and the reply have ended, or the sink fails.
  ///
  /// - Throws: the failure of the source or the sink; what was produced before it is written.
  ///   `DialogueError.badArgument` if `tail` is negative or not finite.
  public func run(from source: any AudioSource, to sink: any AudioSink) throws -> Outcome {
    try run(from: source, to: sink, recorder: nil) { _ in true }
  }

  /// Throws what `run` would throw before its first frame.
  package func check(hasLog: Bool) throws(DialogueError) {
    guard options.tail >= 0, options.tail.isFinite else {
      throw DialogueError.badArgument(
        name: "tail", expected: "a number of seconds from 0", found: "\(options.tail)")
    }
    guard !options.isSpeculative || options.prediction == .none && options.lateEvery == 0 && !hasLog
    else {
      throw DialogueError.badArgument(
        name: "isSpeculative", expected: "neither another prediction nor a latency log", found: "both")
    }
    try model.dialogue.check(options.prediction)
  }

  /// - Parameters:
  ///   - recorder: where the latency of every frame is logged.
  ///   - proceed: called after every frame with the outcome so far; returning false stops.
  package func run(
    from source: any AudioSource, to sink: any AudioSink, recorder: LatencyRecorder?,
    proceed: (Outcome) -> Bool
  ) throws -> Outcome {
    try check(hasLog: recorder != nil)
    var loop = try FileLoop(model, options)
    if options.isSpeculative {
      try loop.speculate(from: source, to: sink, proceed)
      if let failure = sink.failure { throw failure }
      return loop.outcome
    }
    while loop.listen(to: source) {
      guard loop.exchange(with: sink) else { break }
      if let recorder {
        recorder.log.append(loop.record)
        try recorder.drain()
      }
      guard proceed(loop.outcome) else { break }
    }
    if let failure = sink.failure { throw failure }
    return loop.outcome
  }
}
