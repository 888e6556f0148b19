internal import Codec

/// One person's input to the model: a frame of samples becomes a frame of codes.
///
/// It holds the encoder's state for this person, so that it can be moved, batched and resumed separately from the
/// dialogue model.
struct Ear: ~Copyable, Sendable {
  private let codec: Codec
  private var state: EncoderState
  /// The codes of the last frame, one per codebook.
  private(set) var codes: [Int32]

  /// - Parameter state: the encoder's state; a new one for a person who has said nothing yet.
  init(_ codec: Codec, _ state: consuming EncoderState) {
    self.codec = codec
    self.state = state
    codes = [Int32](repeating: 0, count: codec.configuration.codebooks)
  }

  init(_ codec: Codec) { self.init(codec, codec.makeEncoderState()) }

  /// Bytes of the encoder's state.
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

  /// Replaces every code by one token, a sign that is not sound. The encoder's state does not change.
  mutating func hear(sign token: Int32) {
    for index in codes.indices { codes[index] = token }
  }
}
