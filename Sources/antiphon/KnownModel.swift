import Dialogue

/// What a step of a published model costs, from its sizes.
struct KnownModel {
  let sizes: PublishedModel

  private static let codes = 2048

  /// By size.
  static let all = PublishedModel.all.map { KnownModel(sizes: $0) }

  var name: String { sizes.name }
  var codebooks: Int { sizes.codebooks }
  var isRead: Bool { sizes.isRead }

  /// Weights of matrices that one step reads.
  var weights: Int {
    let (width, depth) = (sizes.width, sizes.depth)
    var sum = sizes.layers * (4 * width * width + 3 * width * sizes.hidden) + sizes.textOutputs * width
    if let depth {
      sum +=
        depth.steps
        * (depth.width * width + Self.codes * depth.width
          + depth.layers * (4 * depth.width * depth.width + 3 * depth.width * depth.hidden))
    }
    return sum
  }

  /// Matrix products of one step.
  var products: Int { 4 * sizes.layers + 1 + (sizes.depth.map { $0.steps * (4 * $0.layers + 2) } ?? 0) }

  /// Bytes of the tables of embeddings, in bf16.
  var tableBytes: Int { 2 * sizes.width * (sizes.textOutputs + 1 + sizes.rows * (Self.codes + 1)) }

  /// A step with a full window, whose keys and values are in the form `kv`.
  func work(bits: Int, kv: CacheWord) -> StepWork {
    StepWork(
      weightBytes: StepWork.bytes(weights, bits: bits), bits: bits, products: products,
      cacheBytes: kv.bytes(2 * sizes.width * sizes.layers * sizes.context))
  }
}

/// What one step does to the memory.
struct StepWork {
  let weightBytes: Int
  let bits: Int
  let products: Int
  /// Keys and values that are read.
  let cacheBytes: Int

  /// With the scales of blocks.
  static func bytes(_ weights: Int, bits: Int) -> Int {
    switch bits {
    case 8: weights / 32 * 34
    case 4: weights / 32 * 18
    default: weights * 2
    }
  }
}
