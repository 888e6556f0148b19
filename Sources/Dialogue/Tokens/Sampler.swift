internal import Kernels

/// How a token is chosen from logits.
public struct Sampling: Sendable, Equatable {
  /// 0 or less takes the most likely token, the first on ties.
  public var temperature: Float
  /// Only the `topK` most likely tokens may be drawn; 0 allows all.
  public var topK: Int

  public init(temperature: Float, topK: Int) {
    self.temperature = temperature
    self.topK = topK
  }

  /// The most likely token, always.
  public static let greedy = Sampling(temperature: 0, topK: 0)
}

/// Draws tokens without allocating.
struct Sampler: Sendable {
  private let work: Region<Float>
  private let order: Region<Int32>

  /// - Parameter cardinality: most logits of one draw.
  init(cardinality: Int, scratch: inout MemoryPlan) {
    work = scratch.reserve(Float.self, cardinality)
    order = scratch.reserve(Int32.self, cardinality)
  }

  /// - Parameter logits: `count` floats, left as they are.
  func draw(
    _ logits: UnsafePointer<Float>, _ count: Int, _ sampling: Sampling, _ generator: inout SeededGenerator,
    _ scratch: MemoryView
  ) -> Int32 {
    guard sampling.temperature > 0 else { return Kernels.largest(logits, count) }
    let probabilities = scratch[work]
    for i in 0..<count { probabilities[i] = logits[i] / sampling.temperature }
    Kernels.softmax(probabilities, count)
    let kept = sampling.topK > 0 ? min(sampling.topK, count) : count
    let order = scratch[order]
    for i in 0..<count { order[i] = Int32(i) }
    if kept < count { Self.partition(order, probabilities, count, kept) }
    var total: Float = 0
    for i in 0..<kept { total += probabilities[Int(order[i])] }
    var left = generator.unit() * total
    for i in 0..<kept {
      left -= probabilities[Int(order[i])]
      if left < 0 { return order[i] }
    }
    return order[kept - 1]
  }

  // Quickselect: afterwards the `kept` most likely indices stand first.
  private static func partition(
    _ order: UnsafeMutablePointer<Int32>, _ p: UnsafePointer<Float>, _ count: Int, _ kept: Int
  ) {
    var (low, high) = (0, count - 1)
    while low < high {
      let pivot = p[Int(order[(low + high) / 2])]
      var (i, j) = (low, high)
      while i <= j {
        while p[Int(order[i])] > pivot { i += 1 }
        while p[Int(order[j])] < pivot { j -= 1 }
        if i <= j {
          (order[i], order[j]) = (order[j], order[i])
          i += 1
          j -= 1
        }
      }
      if kept - 1 <= j { high = j } else if kept - 1 >= i { low = i } else { return }
    }
  }
}

/// SplitMix64: a small generator that is a value, so that a forked session draws on its own.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Uniform in [0, 1).
  mutating func unit() -> Float { Float(next() >> 40) * 0x1p-24 }
}
