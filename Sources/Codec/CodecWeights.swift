package import Checkpoint

/// How a codec's weights are held in memory. Arithmetic and codebooks are f32 in either form.
public enum CodecWeights: String, CaseIterable, Sendable {
  /// 32 bits.
  case f32
  /// 16 bits, rounded to nearest: halves the memory that a frame reads.
  case f16

  /// The smallest form that loses nothing of a file: `f16` if every matrix that would be held in 16 bits is also stored
  /// in 16 bits.
  package init(storedIn file: Safetensors) {
    let halved = file.entries.values.filter { $0.count >= Checkpoint.leastHalved }
    // With weight normalization the weight is a product of two stored values, which 16 bits do not hold exactly.
    let isExact = halved.allSatisfy { $0.type == .float16 && !$0.name.hasSuffix("weight_v") }
    self = isExact && !halved.isEmpty ? .f16 : .f32
  }
}
