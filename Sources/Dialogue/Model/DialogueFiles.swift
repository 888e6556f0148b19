internal import Base
package import Checkpoint

/// Locations of a model's files.
package struct DialogueFiles: Sendable {
  package let directory: String
  package let configuration: DialogueConfiguration
  /// The file of the dialogue model's weights; if they are in shards, an index stands in its place (`ShardIndex`).
  package let weights: String

  // The names of published files, tried in turn if config.json does not name one.
  private static let published = ["model.q8.gguf", "model.q8.safetensors", "model.q4.safetensors"]

  /// - Parameter path: a model directory, or a file of weights in one.
  package init(_ path: String) throws(CheckpointError) {
    guard FileSystem.exists(path), !FileSystem.isDirectory(path) else {
      directory = path
      configuration = try DialogueConfiguration(directory: path)
      let named = path + "/" + configuration.files.model
      let others = Self.published.map { path + "/" + $0 }
      let isThere = Safetensors.isThere(named) || configuration.namesModel
      weights = isThere ? named : others.first { Safetensors.isThere($0) } ?? named
      return
    }
    let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    directory =
      parts.isEmpty ? "." : parts.count == 1 && parts[0].isEmpty ? "/" : parts.joined(separator: "/")
    configuration = try DialogueConfiguration(directory: directory)
    weights = path
  }

  /// Maps the tensor names of MLX files to those of candle, which the program uses everywhere.
  static func name(_ name: String) -> String? {
    for (mlx, ours) in [("audio_embs.", "emb."), ("depformer.slices.", "depformer.")]
    where name.hasPrefix(mlx) {
      return ours + name.dropFirst(mlx.count)
    }
    return name
  }
}
