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
    /// 8 bits, and a scale per 32 neighbours.
    case q8
    /// 4 bits, and a scale per 32 neighbours; the first and the last positions are read in 8 bits.
    case q4
  }

  /// The form for every layer that `layers` does not name.
  public var format: Format
  /// Layers of the backbone with another form, by index.
  public var layers: [Int: Format] = [:]
  /// In 4 bits: whether heads are rotated by a Hadamard matrix before they are rounded.
  public var isRotated = true
  /// In 4 bits: whether keys are scaled so that their pairs have equal energies, by `keyFolds` or by factors in the
  /// model's file.
  public var isFolded = true
  /// Factors of every layer, from `Dialogue.keyFolds`; if nil, those of the model's file, if any.
  public var keyFolds: [[Float]]?
  /// In 4 bits: last positions that are read in 8 bits.
  public var recent = 64
  /// In 4 bits: first positions that are read in 8 bits.
  public var pinned = 4

  /// Every layer in one form.
  public init(_ format: Format = .f32) { self.format = format }

  /// The most positions for `recent` and `pinned`.
  static let mostPositions = 1_000_000

  /// Throws if a value does not fit the model.
  func check(for backbone: TransformerConfiguration) throws(DialogueError) {
    try DialogueError.check("cache.recent", recent, 0...Self.mostPositions)
    try DialogueError.check("cache.pinned", pinned, 0...Self.mostPositions)
    for layer in layers.keys.sorted() {
      try DialogueError.check("cache.layers", layer, 0...backbone.layers - 1)
    }
    guard let keyFolds else { return }
    guard keyFolds.count == backbone.layers else {
      throw .wrongCount(name: "cache.keyFolds", expected: backbone.layers, found: keyFolds.count)
    }
    for factors in keyFolds {
      guard factors.count == backbone.width / 2 else {
        throw .wrongCount(
          name: "a layer's cache.keyFolds", expected: backbone.width / 2, found: factors.count)
      }
      if let wrong = factors.first(where: { !($0 > 0 && $0.isFinite && (1 / $0).isFinite) }) {
        throw .badArgument(name: "cache.keyFolds", expected: "numbers above 0", found: "\(wrong)")
      }
    }
  }

  /// The same in the terms of `Layers`.
  var options: KVCacheOptions {
    var options = KVCacheOptions(format.stored)
    options.layers = layers.mapValues(\.stored)
    (options.isRotated, options.isFolded, options.folds) = (isRotated, isFolded, keyFolds)
    (options.recent, options.pinned) = (recent, pinned)
    return options
  }
}

extension CacheOptions.Format {
  // The forms have the same names in `Kernels`, which is not part of the public interface.
  fileprivate var stored: AttentionMemory.Format { AttentionMemory.Format(rawValue: rawValue) ?? .f32 }
}

extension DialogueConfiguration {
  /// - Parameter file: path of the configuration, for the error message.
  mutating func setCache(_ cache: CacheOptions, file: String) throws(CheckpointError) {
    backbone.cache = cache.options
    let headWidth = backbone.width / backbone.heads
    for layer in 0..<backbone.layers {
      let format = backbone.cache.format(ofLayer: layer)
      guard AttentionMemory.fits(format, headWidth: headWidth) else {
        throw .badField(
          file: file, field: "num_heads",
          expected: "heads whose width is a multiple of 32, for a cache in "
            + format.rawValue, found: "a width of \(headWidth)")
      }
    }
  }
}
