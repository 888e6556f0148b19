package import Checkpoint

/// How a codec's weights are held in memory. Arithmetic is f32 either way, and so are codebooks.
public enum CodecWeights: String, CaseIterable, Sendable {
  /// 32 bits.
  case f32
  /// 16 bits, rounded to the nearest: half the memory that a frame reads.
  case f16

  /// The smallest form that loses nothing of a file: `f16` where every matrix that it would hold in 16 bits is stored so.
  package init(storedIn file: Safetensors) {
    let halved = file.entries.values.filter { $0.count >= Checkpoint.leastHalved }
    // A direction times a length (weight normalisation) needs more bits than either.
    let isExact = halved.allSatisfy { $0.type == .float16 && !$0.name.hasSuffix("weight_v") }
    self = isExact && !halved.isEmpty ? .f16 : .f32
  }
}
