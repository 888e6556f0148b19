package import Dialogue

/// What a step costs, from the sizes.
extension PublishedModel {
  private static let codes = 2048

  /// Weights of matrices that one step reads.
  package var weights: Int { layers * layerWeights + spokenWeights }

  private var layerWeights: Int { 4 * width * width + 3 * width * hidden }

  // Of the text head and the depth transformer.
  private var spokenWeights: Int {
    guard let depth else { return textOutputs * width }
    return textOutputs * width + depth.steps
      * (depth.width * width + Self.codes * depth.width
        + depth.layers * (4 * depth.width * depth.width + 3 * depth.width * depth.hidden))
  }

  /// Matrix products of one step.
  package var products: Int { 4 * layers + spokenProducts }

  private var spokenProducts: Int { 1 + (depth.map { $0.steps * (4 * $0.layers + 2) } ?? 0) }

  /// Bytes of the tables of embeddings, in bf16.
  package var tableBytes: Int { 2 * width * (textOutputs + 1 + rows * (Self.codes + 1)) }

  /// A step with a full window, whose keys and values are in the form `kv`.
  package func work(bits: Int, kv: CacheOptions.Format) -> StepWork {
    StepWork(
      weightBytes: StepWork.bytes(weights, bits: bits), bits: bits, products: products,
      cacheBytes: StepWork.bytes(2 * width * layers * context, of: kv))
  }

  /// The layers of one step, without what they attend to.
  package func backboneWork(bits: Int) -> StepWork {
    StepWork(
      weightBytes: StepWork.bytes(layers * layerWeights, bits: bits), bits: bits, products: 4 * layers,
      cacheBytes: 0)
  }

  /// One column drafted by a module like `FrameDrafter`'s: two norms, a matrix that joins, a layer, and the heads.
  package func draftWork(bits: Int) -> StepWork {
    StepWork(
      weightBytes: StepWork.bytes(layerWeights + 2 * width * width + spokenWeights, bits: bits), bits: bits,
      products: 5 + spokenProducts, cacheBytes: 0)
  }
}
