public import Base
internal import Kernels

/// How a token is chosen from logits.
public struct Sampling: Sendable, Equatable {
  /// 0 or less takes the most likely token, the first on ties.
  public var temperature: Float
  /// Only the `topK` most likely tokens may be drawn; 0 allows all.
  public var topK: Int

  /// A choice among the `topK` most likely tokens.
  public init(temperature: Float, topK: Int) {
    self.temperature = temperature
    self.topK = topK
  }

  /// Always the most likely token.
  public static let greedy = Sampling(temperature: 0, topK: 0)
}

/// Draws tokens without allocating.
struct Sampler: Sendable {
  private let work: Region<Float>
  private let order: Region<Int32>

  /// - Parameter cardinality: the most logits of one draw.
  init(cardinality: Int, scratch: inout MemoryPlan) {
    work = scratch.reserve(Float.self, cardinality)
    order = scratch.reserve(Int32.self, cardinality)
  }

  /// - Parameter logits: `count` floats, unchanged.
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

  /// The probability of one token, before temperature.
  ///
  /// - Parameter logits: `count` floats, unchanged.
  func probability(
    of token: Int, _ logits: UnsafePointer<Float>, _ count: Int, _ scratch: MemoryView
  ) -> Float {
    let probabilities = scratch[work]
    probabilities.update(from: logits, count: count)
    Kernels.softmax(probabilities, count)
    return token < count ? probabilities[token] : 0
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

/// The generator that tokens are drawn with: a value, so that a forked conversation draws independently.
public typealias SeededGenerator = SplitMix64
