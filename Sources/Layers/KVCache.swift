package import Kernels

/// The ring of keys and values of one layer, in the state's memory. It wraps without end.
///
/// Keys are stored already rotated by their absolute position, so they are never moved or rotated again.
/// With `capacity` = context + (lanes per pass - 1) a block of lanes sees exactly what single steps would see; with
/// `capacity` = context, the earlier lanes of a block lose the oldest keys, as Mimi's own streaming does. A model's
/// configuration says which (`DialogueConfiguration`, `DepthConfiguration`, the codecs').
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
