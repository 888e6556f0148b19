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

/// The ring of keys and values of one layer, in the state's memory. It wraps without end.
///
/// Keys are stored already rotated by their absolute position, so they are never moved or rotated again.
/// With `capacity` = context + (lanes per pass - 1) a block of lanes sees exactly what single steps would see; with
/// `capacity` = context, the earlier lanes of a block lose the oldest keys, as Mimi's own streaming does.
package struct KVCache: Sendable {
  package let memory: AttentionMemory

  /// - Parameters:
  ///   - block: most positions of one state that one pass adds.
  ///   - layer: index of the layer.
  package init(
    heads: Int, headWidth: Int, capacity: Int, block: Int = 1, layer: Int = 0,
    _ options: KVCacheOptions = KVCacheOptions(), in plan: inout MemoryPlan
  ) {
    memory = AttentionMemory(
      options.format(ofLayer: layer), heads: heads, headWidth: headWidth, capacity: capacity,
      recent: options.recent, pinned: options.pinned, block: block, isRotated: options.isRotated, in: &plan)
  }

  package var capacity: Int { memory.capacity }

  /// Bytes of one position.
  package var bytesPerPosition: Int { memory.bytesPerPosition }
}
