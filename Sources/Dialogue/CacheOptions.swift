internal import Checkpoint
internal import Kernels
internal import Layers

/// How a conversation remembers keys and values: the larger part of what it reads once its window is long.
public struct CacheOptions: Sendable {
  /// The form of a stored value.
  public enum Format: String, CaseIterable, Sendable {
    /// 32 bits: exact.
    case f32
    /// 16 bits.
    case f16
    /// 8 bits, and a scale for 32 neighbours.
    case q8
    /// 4 bits, and a scale for 32 neighbours; the first positions and the last ones are read in 8 bits.
    case q4
  }

  public var format: Format
  /// Layers of the temporal transformer that are remembered in another form, by index.
  public var layers: [Int: Format] = [:]
  /// In 4 bits: whether heads are turned by a Hadamard matrix before they are rounded.
  public var isRotated = true
  /// In 4 bits: whether keys are scaled so that their pairs have equal energies, by `keyFolds` or as the model's file tells.
  public var isFolded = true
  /// Factors of every layer, from `Dialogue.keyFolds`; where nil, those of the model's file, if it has any.
  public var keyFolds: [[Float]]?
  /// In 4 bits: last positions that are read in 8 bits.
  public var recent = 64
  /// In 4 bits: first positions that are read in 8 bits.
  public var pinned = 4

  public init(_ format: Format = .f32) { self.format = format }

  var options: KVCacheOptions {
    func package(_ format: Format) -> KVCacheOptions.Format {
      switch format {
      case .f32: .f32
      case .f16: .f16
      case .q8: .q8
      case .q4: .q4
      }
    }
    var options = KVCacheOptions(package(format))
    options.layers = layers.mapValues(package)
    options.isRotated = isRotated
    options.isFolded = isFolded
    options.folds = keyFolds
    (options.recent, options.pinned) = (max(recent, 0), max(pinned, 0))
    return options
  }
}

extension DialogueConfiguration {
  /// - Parameter file: path of the configuration, for the error's sake.
  mutating func setCache(_ cache: CacheOptions, file: String) throws(CheckpointError) {
    temporal.cache = cache.options
    let headWidth = temporal.width / temporal.heads
    for layer in 0..<temporal.layers {
      let format = temporal.cache.format(ofLayer: layer)
      guard AttentionMemory.fits(format, headWidth: headWidth) else {
        throw .badField(
          file: file, field: "num_heads",
          expected: "heads whose width is a multiple of 32, for a cache in "
            + format.rawValue, found: "a width of \(headWidth)")
      }
    }
  }
}
