package import Kernels

/// How the layers of a stack store keys and values.
package struct KVCacheOptions: Sendable {
  package typealias Format = AttentionMemory.Format

  package var format: Format
  /// Layers whose keys and values are stored in another form, by index.
  package var layers: [Int: Format] = [:]
  /// In 4 bits: whether heads are rotated by a Hadamard matrix.
  package var isRotated = true
  /// In 4 bits: whether keys are scaled so that pairs have equal energies, by `folds` or by the file's `key_fold`.
  package var isFolded = true
  /// Factors of every layer, [heads * headWidth / 2] each; nil takes those of the file, if it has any.
  package var folds: [[Float]]?
  /// In 4 bits: last positions that are read in 8 bits.
  package var recent = 64
  /// In 4 bits: first positions that are read in 8 bits.
  package var pinned = 4

  package init(_ format: Format = .f32) { self.format = format }

  package func format(ofLayer index: Int) -> Format { layers[index] ?? format }
}
