internal import Codec

/// The way of the model's codes out to the person: a frame of codes becomes a frame of samples.
struct Mouth: ~Copyable, Sendable {
  private let codec: Codec
  private var state: DecoderState

  /// - Parameter state: what the decoder remembers; a new one is a model that has said nothing yet.
  init(_ codec: Codec, _ state: consuming DecoderState) {
    self.codec = codec
    self.state = state
  }

  init(_ codec: Codec) { self.init(codec, codec.makeDecoderState()) }

  /// Bytes of what the decoder remembers.
  var bytes: Int { state.bytes }

  /// Decodes a frame.
  ///
  /// - Parameters:
  ///   - codes: one per codebook.
  ///   - reply: `samplesPerFrame` samples.
  mutating func speak(_ codes: Span<Int32>, into reply: inout MutableSpan<Float>) {
    codec.decode(codes, into: &reply, &state)
  }

  /// Says nothing: silence, of which the decoder knows nothing.
  func rest(into reply: inout MutableSpan<Float>) {
    for index in 0..<reply.count { reply[index] = 0 }
  }
}
