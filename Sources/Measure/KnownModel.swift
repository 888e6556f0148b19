package import Dialogue

/// What a step of a published model costs, from its sizes.
package struct KnownModel {
  package let sizes: PublishedModel

  private static let codes = 2048

  /// By size.
  package static let all = PublishedModel.all.map { KnownModel(sizes: $0) }

  package var name: String { sizes.name }
  package var codebooks: Int { sizes.codebooks }
  package var isRead: Bool { sizes.isRead }

  /// Weights of matrices that one step reads.
  package var weights: Int {
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
  package var products: Int {
    4 * sizes.layers + 1 + (sizes.depth.map { $0.steps * (4 * $0.layers + 2) } ?? 0)
  }

  /// Bytes of the tables of embeddings, in bf16.
  package var tableBytes: Int { 2 * sizes.width * (sizes.textOutputs + 1 + sizes.rows * (Self.codes + 1)) }

  /// A step with a full window, whose keys and values are in the form `kv`.
  package func work(bits: Int, kv: CacheOptions.Format) -> StepWork {
    StepWork(
      weightBytes: StepWork.bytes(weights, bits: bits), bits: bits, products: products,
      cacheBytes: StepWork.bytes(2 * sizes.width * sizes.layers * sizes.context, of: kv))
  }
}
