internal import Base
internal import Codec

/// Turns a frame of the person's sound into a frame for the loudspeaker.
protocol LiveEngine: ~Copyable {
  var samplesPerFrame: Int { get }
  mutating func step(
    _ frame: Span<Float>, into reply: inout MutableSpan<Float>, clock: RunClock
  ) -> Conversation.Step
  /// The codes of the last frame that was heard, and of the last one that was said.
  func withCodes<Result>(_ body: (Span<Int32>, Span<Int32>) -> Result) -> Result
  /// The most frames that it makes ahead; `Conversation` describes these.
  var spareFrames: Int { get }
  mutating func prepareSpare() -> Int
  func copySpare(into sound: inout MutableSpan<Float>)
  mutating func concede(_ step: inout Conversation.Step, into reply: inout MutableSpan<Float>) -> Bool
}

extension Conversation: LiveEngine {}

/// Plays the person's own voice through the codec, to hear what the codec does to it and how long it takes.
struct CodecMirror: LiveEngine, ~Copyable {
  let samplesPerFrame: Int
  private var ear: Ear
  private var mouth: Mouth

  init(_ codec: Codec) {
    samplesPerFrame = codec.configuration.samplesPerFrame
    ear = Ear(codec)
    mouth = Mouth(codec)
  }

  mutating func step(
    _ frame: Span<Float>, into reply: inout MutableSpan<Float>, clock: RunClock
  ) -> Conversation.Step {
    var step = Conversation.Step()
    step.encodeStart = clock.now
    ear.hear(frame)
    step.encodeEnd = clock.now
    let codes = ear.codes
    mouth.speak(codes.span, into: &reply)
    step.decodeEnd = clock.now
    step.isReady = true
    (step.userSemantic, step.ownSemantic) = (ear.codes[0], ear.codes[0])
    return step
  }

  func withCodes<Result>(_ body: (Span<Int32>, Span<Int32>) -> Result) -> Result {
    body(ear.codes.span, ear.codes.span)
  }

  // What the person will say next is not known.
  let spareFrames = 0
  mutating func prepareSpare() -> Int { 0 }
  func copySpare(into sound: inout MutableSpan<Float>) {}
  mutating func concede(_ step: inout Conversation.Step, into reply: inout MutableSpan<Float>) -> Bool {
    false
  }
}
