/// SplitMix64 (Steele, Lea and Flood 2014): a small generator with value semantics, so that a copy draws independently.
public struct SplitMix64: RandomNumberGenerator, Sendable, BitwiseCopyable {
  private var state: UInt64

  /// - Parameter seed: the same seed gives the same numbers.
  public init(seed: UInt64) { state = seed }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Passes over the next numbers.
  package mutating func skip(_ count: Int) {
    state &+= UInt64(truncatingIfNeeded: count) &* 0x9E37_79B9_7F4A_7C15
  }

  /// Uniform in [0, 1).
  package mutating func unit() -> Float { Float(next() >> 40) * 0x1p-24 }
}
