package import Dialogue

/// What a step costs, from the sizes.
extension PublishedModel {
  private static let codes = 2048

  /// Weights of matrices that one step reads.
  package var weights: Int {
    var sum = layers * (4 * width * width + 3 * width * hidden) + textOutputs * width
    if let depth {
      sum +=
        depth.steps
        * (depth.width * width + Self.codes * depth.width
          + depth.layers * (4 * depth.width * depth.width + 3 * depth.width * depth.hidden))
    }
    return sum
  }

  /// Matrix products of one step.
  package var products: Int {
    4 * layers + 1 + (depth.map { $0.steps * (4 * $0.layers + 2) } ?? 0)
  }

  /// Bytes of the tables of embeddings, in bf16.
  package var tableBytes: Int { 2 * width * (textOutputs + 1 + rows * (Self.codes + 1)) }

  /// A step with a full window, whose keys and values are in the form `kv`.
  package func work(bits: Int, kv: CacheOptions.Format) -> StepWork {
    StepWork(
      weightBytes: StepWork.bytes(weights, bits: bits), bits: bits, products: products,
      cacheBytes: StepWork.bytes(2 * width * layers * context, of: kv))
  }
}
