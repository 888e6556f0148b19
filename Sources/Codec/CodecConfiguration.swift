internal import Checkpoint

/// A codec's configuration, from its file's metadata. Values that the file does not state are Mimi's.
public struct CodecConfiguration: Sendable {
  /// The two kinds of network around the quantizer.
  public enum Architecture: String, Sendable {
    /// SEANet convolutions on samples (Mimi).
    case mimi
    /// ConvNeXt blocks on short-time spectra.
    case spectral
  }

  /// The kind of network.
  public let architecture: Architecture
  /// Samples per second, one channel.
  public let sampleRate: Int
  /// Samples per frame: these become one code of every codebook.
  public internal(set) var samplesPerFrame: Int
  /// Codebooks in the file.
  public internal(set) var availableCodebooks = 0
  /// Codebooks in use: the first ones of those.
  public internal(set) var codebooks = 0
  /// Entries of a codebook.
  public internal(set) var cardinality = 0
  /// Samples by which decoded sound is late relative to the sound that was encoded.
  public let delay: Int
  /// Attention heads of both transformers.
  let heads: Int
  /// Positions that a query of either transformer sees, itself included.
  let context: Int
  let maxPeriod: Double
  /// Beam width of the quantizer's search for acoustic codes; 1 is greedy.
  let beam: Int
  /// All fields of the file's metadata.
  let fields: Fields

  init(_ file: Safetensors) throws(CheckpointError) {
    let text = Array((try file.text("codec") ?? "{}").utf8)
    try self.init(Fields(text, path: file.path, prefix: "codec"), path: file.path)
  }

  init(_ fields: Fields, path: String) throws(CheckpointError) {
    self.fields = fields
    let name = try fields.string("architecture", default: "mimi")
    guard let architecture = Architecture(rawValue: name) else {
      throw .unsupported(file: path, field: "architecture", found: name)
    }
    self.architecture = architecture
    sampleRate = try fields.integer("sample_rate", default: 24000, 8000...192_000)
    samplesPerFrame = try fields.integer("samples_per_frame", default: 1920, 1...96000)
    heads =
      try fields.has("heads")
      ? fields.integer("heads", 1...256) : fields.integer("num_heads", default: 8, 1...256)
    context = try fields.integer("context", default: 250, 1...100_000)
    maxPeriod = try fields.number(
      fields.has("rope_theta") ? "rope_theta" : "max_period", default: 10000, 1...1e12)
    beam = try fields.integer("beam", default: 1, 1...64)
    delay = try fields.integer("delay", default: 0, 0...96000)
  }
}
