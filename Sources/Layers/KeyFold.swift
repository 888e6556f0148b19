package import Checkpoint
package import Kernels

/// Factors for the pairs of a layer's keys, and their inverses for its queries: scores do not change, and the pairs
/// get equal energies, which suits one scale for 32 neighbours (FireQ, pre-RoPE smoothing).
package struct KeyFold: Sendable {
  private let keys: Vector  // [width]
  private let queries: Vector  // [width]

  /// - Parameter factors: one factor above zero for each pair of neighbours, [heads * headWidth / 2].
  package init(_ factors: [Float]) {
    precondition(factors.allSatisfy { $0 > 0 && $0.isFinite })
    keys = Vector(count: 2 * factors.count) { factors[$0 / 2] }
    queries = Vector(count: 2 * factors.count) { 1 / factors[$0 / 2] }
  }

  /// Reads `key_fold` [heads, headWidth / 2], one factor above zero for each pair of neighbours; nil where the file has none.
  package init?(_ scope: Scope, width: Int, heads: Int) throws(CheckpointError) {
    guard scope.has("key_fold") else { return nil }
    let factors = try scope.values("key_fold", [heads, width / heads / 2])
    guard factors.allFinite, (0..<factors.count).allSatisfy({ factors[$0] > 0 }) else {
      throw .notFinite(file: scope.checkpoint.path, tensor: scope.full("key_fold"))
    }
    self.init((0..<factors.count).map { factors[$0] })
  }

  /// - Parameter x: queries [width], then keys [width].
  func apply(_ x: UnsafeMutablePointer<Float>) {
    for i in 0..<keys.count { x[i] *= queries[i] }
    for i in 0..<keys.count { x[keys.count + i] *= keys[i] }
  }

  /// Factors that make the largest norms of all pairs of a head equal, from keys that were stored in f32. Rotary positions
  /// do not change a pair's norm.
  ///
  /// - Parameters:
  ///   - cache: the ring of one layer, in f32.
  ///   - positions: positions written so far.
  package static func factors(_ cache: KVCache, _ state: MemoryView, positions: Int) -> [Float] {
    let (memory, pairs) = (cache.memory, cache.memory.headWidth / 2)
    var factors: [Float] = []
    for head in 0..<memory.heads {
      var largest = [Float](repeating: 0, count: pairs)
      for slot in 0..<min(positions, memory.capacity) {
        let key = memory.key(state, head: head, slot: slot)
        for pair in 0..<pairs {
          let square = key[2 * pair] * key[2 * pair] + key[2 * pair + 1] * key[2 * pair + 1]
          largest[pair] = max(largest[pair], square.squareRoot())
        }
      }
      // The mean does not change, so that scales stay in the range of half precision.
      let mean = largest.reduce(0, +) / Float(pairs)
      factors += largest.map { $0 > 1e-3 * mean ? mean / $0 : 1 }
    }
    return factors
  }
}

extension KVCacheOptions {
  /// The fold of a layer; nil unless the layer is stored in 4 bits.
  func fold(ofLayer index: Int, _ scope: Scope, width: Int, heads: Int) throws(CheckpointError) -> KeyFold? {
    guard isFolded, format(ofLayer: index) == .q4 else { return nil }
    if let folds { return KeyFold(folds[index]) }
    return try KeyFold(scope, width: width, heads: heads)
  }
}
