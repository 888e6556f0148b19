package import Dialogue

/// The sizes of a model that determine how long a step takes.
package struct KnownModel {
  package struct Depth {
    package let steps: Int
    package let width: Int
    package let layers: Int
    /// Hidden width of the gated feed-forward network.
    package let hidden: Int
  }

  package let name: String
  package let width: Int
  package let layers: Int
  package let hidden: Int
  package let textOutputs: Int
  /// Codebooks that are heard and spoken, together.
  package let rows: Int
  package let context: Int
  package let depth: Depth?
  /// Codebooks of the codec that are used.
  package let codebooks: Int
  /// Whether this version can run it.
  package var isRead = true

  private static let codes = 2048
  private static let largeDepth = Depth(steps: 8, width: 1024, layers: 6, hidden: 2816)

  /// The published models (docs/Checkpoints.md), by size.
  package static let all: [KnownModel] = [
    KnownModel(
      name: "Moshi 7B", width: 4096, layers: 32, hidden: 11264, textOutputs: 32000, rows: 16, context: 3000,
      depth: largeDepth, codebooks: 8),
    KnownModel(
      name: "Hibiki 2B", width: 2560, layers: 24, hidden: 7040, textOutputs: 48000, rows: 32, context: 3000,
      depth: Depth(steps: 16, width: 1024, layers: 6, hidden: 2816), codebooks: 16),
    KnownModel(
      name: "Hibiki 1B", width: 2048, layers: 16, hidden: 5632, textOutputs: 48000, rows: 16, context: 1500,
      depth: largeDepth, codebooks: 8),
    KnownModel(
      name: "STT 2.6B", width: 2048, layers: 48, hidden: 5632, textOutputs: 4000, rows: 32, context: 375,
      depth: nil, codebooks: 32),
    KnownModel(
      name: "STT 1B", width: 2048, layers: 16, hidden: 5632, textOutputs: 8000, rows: 32, context: 750,
      depth: nil,
      codebooks: 32),
    KnownModel(
      name: "TTS 1.6B", width: 2048, layers: 16, hidden: 5632, textOutputs: 8000, rows: 32, context: 500,
      depth: Depth(steps: 32, width: 1024, layers: 4, hidden: 2048), codebooks: 32, isRead: false),
  ]

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
  package var products: Int { 4 * layers + 1 + (depth.map { $0.steps * (4 * $0.layers + 2) } ?? 0) }

  /// Bytes of the tables of embeddings, in bf16.
  package var tableBytes: Int { 2 * width * (textOutputs + 1 + rows * (Self.codes + 1)) }

  /// A step with a full window, whose keys and values are in the form `kv`.
  package func work(bits: Int, kv: CacheOptions.Format) -> StepWork {
    StepWork(
      weightBytes: StepWork.bytes(weights, bits: bits), bits: bits, products: products,
      cacheBytes: StepWork.bytes(2 * width * layers * context, of: kv))
  }
}
