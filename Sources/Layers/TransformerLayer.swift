package import Checkpoint
internal import Kernels

/// One pre-norm transformer layer: x += attention(norm1 x); x += feedForward(norm2 x), each branch scaled where the file
/// has scales. Every transformer of the program is made of these layers.
package struct TransformerLayer: Sendable {
  /// Where one set of a layer's weights is.
  package struct Source: Sendable {
    let scope: Scope
    let set: Int
    let sets: Int

    /// - Parameters:
    ///   - scope: where `norm1`, `self_attn`, ... are.
    ///   - set: the set, of `sets` that are stacked in the scope's tensors; they share the norms.
    package init(_ scope: Scope, set: Int = 0, of sets: Int = 1) {
      self.scope = scope
      self.set = set
      self.sets = sets
    }

    var hasScale: Bool { scope.has("layer_scale_1.scale") || scope.has("layer_scale_2.scale") }

    /// Gated weights are stacked as `gating.0` ..., unless the sets share one.
    var gating: Scope {
      let own = scope.hasAny(below: "gating.\(set)") || sets > 1 && !scope.has("gating.linear_in.weight")
      return scope[own ? "gating.\(set)" : "gating"]
    }
  }

  private struct Weights: Sendable {
    let norm1: Norm
    let attention: Attention
    let scale1: Vector?
    let norm2: Norm
    let feedForward: FeedForward
    let scale2: Vector?

    /// - Parameter first: the first set, whose norms and scales serve all sets that are stacked with it.
    init(
      _ source: Source, _ configuration: TransformerConfiguration, isScaled: Bool, sharing first: Weights?
    ) throws(CheckpointError) {
      let (scope, width) = (source.scope, configuration.width)
      attention = try Attention(
        scope["self_attn"], width: width, heads: configuration.heads, set: source.set, of: source.sets)
      feedForward =
        configuration.gated
        ? try FeedForward(gated: source.gating, width: width) : try FeedForward(plain: scope, width: width)
      if let first, source.sets > 1 {
        (norm1, norm2) = (first.norm1, first.norm2)
        (scale1, scale2) = (first.scale1, first.scale2)
      } else {
        norm1 = try Norm(scope["norm1"], configuration.norm, width: width)
        norm2 = try Norm(scope["norm2"], configuration.norm, width: width)
        scale1 = isScaled ? try scope.vector("layer_scale_1.scale", width) : nil
        scale2 = isScaled ? try scope.vector("layer_scale_2.scale", width) : nil
      }
    }
  }

  private let sets: [Weights]
  private let window: Attention.Window

  /// Regions of scratch that all layers of a stack share.
  package struct Scratch: Sendable {
    let attention: Attention.Scratch
    let normed: Region<Float>  // [lanes][width]
    let branch: Region<Float>  // [lanes][width], where branches are scaled
    let hidden: Region<Float>  // of the feed-forward network
  }

  /// - Parameters:
  ///   - sources: where every set of weights is.
  ///   - index: index of the layer in its stack.
  ///   - isScaled: whether the branches have scales.
  ///   - state: the plan of a state's memory.
  init(
    _ sources: [Source], _ configuration: TransformerConfiguration, index: Int, isScaled: Bool,
    rotary: RotaryEmbedding?, state: inout MemoryPlan
  ) throws(CheckpointError) {
    let (width, heads, cache) = (configuration.width, configuration.heads, configuration.cache)
    var sets: [Weights] = []
    for source in sources {
      sets.append(try Weights(source, configuration, isScaled: isScaled, sharing: sets.first))
    }
    self.sets = sets
    window = Attention.Window(
      cache: KVCache(
        heads: heads, headWidth: width / heads, capacity: configuration.capacity, block: configuration.block,
        layer: index, cache, in: &state),
      context: configuration.context, rotary: rotary,
      fold: try sources.first.flatMap { source throws(CheckpointError) in
        try cache.fold(ofLayer: index, source.scope["self_attn"], width: width, heads: heads)
      })
  }

  var cache: KVCache { window.cache }
  var isScaled: Bool { sets.contains { $0.scale1 != nil } }
  var scratchPerLane: Int { sets.map(\.feedForward.scratchPerLane).max() ?? 0 }

  /// Bytes of weights that a pass with this set reads.
  func bytes(ofSet set: Int) -> Int {
    let weights = sets[set]
    return weights.feedForward.matrices.reduce(
      weights.attention.input.matrix.bytes + weights.attention.output.matrix.bytes
    ) { $0 + $1.bytes }
  }

  /// Advances every lane, in place.
  ///
  /// - Parameters:
  ///   - x: [lanes][width]
  ///   - set: the set of weights.
  func step(_ x: UnsafeMutablePointer<Float>, set: Int, _ regions: Scratch, _ pass: Pass) {
    let (weights, count) = (sets[set], pass.lanes.count)
    let (normed, branch) = (pass.scratch[regions.normed], pass.scratch[regions.branch])
    weights.norm1(x, into: normed, count: count)
    weights.attention.step(
      normed, into: weights.scale1 == nil ? x : branch, accumulate: weights.scale1 == nil, window,
      regions.attention, pass)
    if let scale = weights.scale1 { Self.add(branch, scaledBy: scale, to: x, count) }
    weights.norm2(x, into: normed, count: count)
    weights.feedForward(
      normed, into: weights.scale2 == nil ? x : branch, accumulate: weights.scale2 == nil, regions.hidden,
      pass)
    if let scale = weights.scale2 { Self.add(branch, scaledBy: scale, to: x, count) }
  }

  private static func add(
    _ branch: UnsafePointer<Float>, scaledBy scale: Vector, to x: UnsafeMutablePointer<Float>, _ count: Int
  ) {
    for lane in 0..<count {
      Kernels.add(branch + lane * scale.count, scaledBy: scale, to: x + lane * scale.count)
    }
  }
}
