/// The sizes of a published model, from its config.json: the one table that benchmarks and predictions use.
package struct PublishedModel: Sendable {
  package struct Depth: Sendable {
    package let steps: Int
    package let width: Int
    package let heads: Int
    package let layers: Int
    /// Of the gated feed-forward layer.
    package let hidden: Int

    /// Of Moshi 7B and Hibiki 1B.
    static let large = Depth(steps: 8, width: 1024, heads: 16, layers: 6, hidden: 2816)
  }

  package let name: String
  package let width: Int
  package let heads: Int
  package let layers: Int
  /// Of the gated feed-forward layer.
  package let hidden: Int
  package let textOutputs: Int
  /// Codebooks that are heard and spoken.
  package let rows: Int
  /// Frames that the backbone sees.
  package let context: Int
  package let depth: Depth?
  /// Codebooks of the codec that are used.
  package let codebooks: Int
  /// Whether this version can read it.
  package var isRead = true

  package static let moshi7B = PublishedModel(
    name: "Moshi 7B", width: 4096, heads: 32, layers: 32, hidden: 11264, textOutputs: 32000, rows: 16,
    context: 3000, depth: .large, codebooks: 8)
  package static let hibiki2B = PublishedModel(
    name: "Hibiki 2B", width: 2560, heads: 20, layers: 24, hidden: 7040, textOutputs: 48000, rows: 32,
    context: 3000, depth: Depth(steps: 16, width: 1024, heads: 16, layers: 6, hidden: 2816), codebooks: 16)
  /// Its config.json says 1500 positions; a preset in MLX's program says 3000.
  package static let hibiki1B = PublishedModel(
    name: "Hibiki 1B", width: 2048, heads: 16, layers: 16, hidden: 5632, textOutputs: 48000, rows: 16,
    context: 1500, depth: .large, codebooks: 8)
  package static let stt2B = PublishedModel(
    name: "STT 2.6B", width: 2048, heads: 32, layers: 48, hidden: 5632, textOutputs: 4000, rows: 32,
    context: 375, depth: nil, codebooks: 32)
  package static let stt1B = PublishedModel(
    name: "STT 1B", width: 2048, heads: 16, layers: 16, hidden: 5632, textOutputs: 8000, rows: 32,
    context: 750, depth: nil, codebooks: 32)
  package static let tts1B = PublishedModel(
    name: "TTS 1.6B", width: 2048, heads: 16, layers: 16, hidden: 5632, textOutputs: 8000, rows: 32,
    context: 500, depth: Depth(steps: 32, width: 1024, heads: 16, layers: 4, hidden: 2048), codebooks: 32,
    isRead: false)

  /// By size (docs/Checkpoints.md).
  package static let all = [moshi7B, hibiki2B, hibiki1B, stt2B, stt1B, tts1B]
}
