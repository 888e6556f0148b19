internal import Codec

/// The model's output to the person: a frame of codes becomes a frame of samples.
struct Mouth: ~Copyable, Sendable {
  private let codec: Codec
  private var state: DecoderState

  /// - Parameter state: the decoder's state; a new one for a model that has said nothing yet.
  init(_ codec: Codec, _ state: consuming DecoderState) {
    self.codec = codec
    self.state = state
  }

  init(_ codec: Codec) { self.init(codec, codec.makeDecoderState()) }

  /// Bytes of the decoder's state.
  var bytes: Int { state.bytes }

  /// Decodes a frame.
  ///
  /// - Parameters:
  ///   - codes: one per codebook.
  ///   - reply: `samplesPerFrame` samples.
  mutating func speak(_ codes: Span<Int32>, into reply: inout MutableSpan<Float>) {
    codec.decode(codes, into: &reply, &state)
  }

  /// Becomes what another mouth with the same codec is; allocates nothing.
  mutating func copy(_ other: borrowing Mouth) { state.copy(other.state) }

  /// Writes silence. The decoder's state does not change.
  func rest(into reply: inout MutableSpan<Float>) {
    for index in 0..<reply.count { reply[index] = 0 }
  }
}
