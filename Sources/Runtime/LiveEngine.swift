internal import Base
internal import Codec
internal import Dialogue

/// What turns a frame of the person into a frame for the loudspeaker.
protocol LiveEngine: ~Copyable {
  var samplesPerFrame: Int { get }
  mutating func step(_ frame: Span<Float>, into reply: inout MutableSpan<Float>) -> Conversation.Step
  /// The codes of the last frame: what was heard, and what was said.
  func withCodes<Result>(_ body: (Span<Int32>, Span<Int32>) -> Result) -> Result
}

extension Conversation: LiveEngine {}

/// The person's own voice through the codec and back: what the codec does to a voice, and how long it takes.
struct Mirror: LiveEngine, ~Copyable {
  private let codec: Codec
  private var encoder: EncoderState
  private var decoder: DecoderState
  private var codes: [Int32]

  init(_ codec: Codec) {
    self.codec = codec
    encoder = codec.makeEncoderState()
    decoder = codec.makeDecoderState()
    codes = [Int32](repeating: 0, count: codec.configuration.codebooks)
  }

  var samplesPerFrame: Int { codec.configuration.samplesPerFrame }

  mutating func step(_ frame: Span<Float>, into reply: inout MutableSpan<Float>) -> Conversation.Step {
    var step = Conversation.Step()
    step.encodeStart = MonotonicClock.microseconds
    Self.encode(codec, frame, into: &codes, &encoder)
    step.encodeEnd = MonotonicClock.microseconds
    step.temporalEnd = step.encodeEnd
    step.textEnd = step.encodeEnd
    step.depthEnd = step.encodeEnd
    Self.decode(codec, codes, into: &reply, &decoder)
    step.decodeEnd = MonotonicClock.microseconds
    step.isReady = true
    step.userSemantic = codes[0]
    step.ownSemantic = codes[0]
    return step
  }

  private static func encode(
    _ codec: Codec, _ frame: Span<Float>, into codes: inout [Int32], _ encoder: inout EncoderState
  ) {
    var span = codes.mutableSpan
    codec.encode(frame, into: &span, &encoder)
  }

  private static func decode(
    _ codec: Codec, _ codes: [Int32], into reply: inout MutableSpan<Float>, _ decoder: inout DecoderState
  ) {
    codec.decode(codes.span, into: &reply, &decoder)
  }

  func withCodes<Result>(_ body: (Span<Int32>, Span<Int32>) -> Result) -> Result {
    body(codes.span, codes.span)
  }
}
