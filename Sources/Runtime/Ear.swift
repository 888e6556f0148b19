internal import Codec

/// The way of one person's sound into the model: a frame of samples becomes a frame of codes.
///
/// It holds what the codec's encoder remembers of this person, so ears can be moved, batched and resumed apart from the
/// dialogue model.
struct Ear: ~Copyable, Sendable {
  private let codec: Codec
  private var state: EncoderState
  /// The codes of the last frame, one per codebook.
  private(set) var codes: [Int32]

  /// - Parameter state: what the encoder remembers; a new one is a person who has said nothing yet.
  init(_ codec: Codec, _ state: consuming EncoderState) {
    self.codec = codec
    self.state = state
    codes = [Int32](repeating: 0, count: codec.configuration.codebooks)
  }

  init(_ codec: Codec) { self.init(codec, codec.makeEncoderState()) }

  /// Bytes of what the encoder remembers.
  var bytes: Int { state.bytes }

  /// Encodes a frame.
  ///
  /// - Parameter frame: `samplesPerFrame` samples in [-1, 1].
  mutating func hear(_ frame: Span<Float>) {
    Self.encode(frame, into: &codes, codec, &state)
  }

  // Static, so that the codes and the state, two parts of one value, can be written in one call.
  private static func encode(
    _ frame: Span<Float>, into codes: inout [Int32], _ codec: Codec, _ state: inout EncoderState
  ) {
    var span = codes.mutableSpan
    codec.encode(frame, into: &span, &state)
  }

  /// Puts one token in the place of every code, as a sign instead of sound. The encoder does not notice.
  mutating func hear(sign token: Int32) {
    for index in codes.indices { codes[index] = token }
  }
}
