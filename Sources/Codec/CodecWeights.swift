/// How a codec's weights are held in memory. Arithmetic is f32 either way, and so are codebooks.
public enum CodecWeights: String, CaseIterable, Sendable {
  /// 32 bits.
  case f32
  /// 16 bits, rounded to the nearest: half the memory that a frame reads.
  case f16
}
