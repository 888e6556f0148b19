package import Checkpoint
internal import Foundation
package import Kernels

/// What a stack of transformer layers is made of.
package struct TransformerConfiguration: Sendable {
  /// How a column's position enters.
  package enum Position: String, Sendable {
    case rotary = "rope"
    case sinusoidal = "sin"
    case none
  }

  package var width: Int
  package var heads: Int
  package var layers: Int
  /// Positions a query sees, itself included.
  package var context: Int
  /// Slots of the ring of keys and values.
  package var capacity: Int
  package var maxPeriod: Double
  package var norm: Norm.Kind
  package var gated: Bool
  package var position: Position
  /// Most positions of one session that one step adds.
  package var block: Int
  package var cache = KVCacheOptions()

  package init(
    width: Int, heads: Int, layers: Int, context: Int, capacity: Int, maxPeriod: Double, norm: Norm.Kind,
    gated: Bool, position: Position, block: Int = 1
  ) {
    self.width = width
    self.heads = heads
    self.layers = layers
    self.context = context
    self.capacity = capacity
    self.maxPeriod = maxPeriod
    self.norm = norm
    self.gated = gated
    self.position = position
    self.block = block
  }
}

/// A stack of pre-norm layers: x += attention(norm1 x); x += feedForward(norm2 x), each branch scaled where the file says.
package struct Transformer: Sendable {
  private struct Layer: Sendable {
    let norm1: Norm
    let attention: Attention
    let scale1: Vector?
    let norm2: Norm
    let feedForward: FeedForward
    let scale2: Vector?
    let cache: KVCache
    let fold: KeyFold?
  }

  package let configuration: TransformerConfiguration
  private let layers: [Layer]
  private let rotary: RotaryEmbedding?

  /// What a step needs and nobody keeps, for some number of columns.
  package struct Scratch: Sendable {
    let attention: Attention.Scratch
    let normed: Region<Float>  // [columns][width]
    let branch: Region<Float>  // [columns][width]
    let hidden: Region<Float>
  }

  /// - Parameters:
  ///   - scope: where `layers.0` ... lie.
  ///   - state: what a session keeps.
  package init(
    _ scope: Scope, _ configuration: TransformerConfiguration, state: inout MemoryPlan
  ) throws(CheckpointError) {
    let (width, heads, cache) = (configuration.width, configuration.heads, configuration.cache)
    self.configuration = configuration
    // Either all branches are scaled or none.
    let isScaled = (0..<configuration.layers).contains {
      scope.has("layers.\($0).layer_scale_1.scale") || scope.has("layers.\($0).layer_scale_2.scale")
    }
    var layers: [Layer] = []
    for index in 0..<configuration.layers {
      let scope = scope["layers.\(index)"]
      layers.append(
        Layer(
          norm1: try Norm(scope["norm1"], configuration.norm, width: width),
          attention: try Attention(scope["self_attn"], width: width, heads: heads),
          scale1: isScaled ? try scope.vector("layer_scale_1.scale", width) : nil,
          norm2: try Norm(scope["norm2"], configuration.norm, width: width),
          feedForward: configuration.gated
            ? try FeedForward(gated: scope["gating"], width: width)
            : try FeedForward(plain: scope, width: width),
          scale2: isScaled ? try scope.vector("layer_scale_2.scale", width) : nil,
          cache: KVCache(
            heads: heads, headWidth: width / heads, capacity: configuration.capacity,
            block: configuration.block, layer: index, cache, in: &state),
          fold: try cache.fold(ofLayer: index, scope["self_attn"], width: width, heads: heads)))
    }
    self.layers = layers
    rotary =
      configuration.position == .rotary
      ? RotaryEmbedding(headWidth: width / heads, maxPeriod: configuration.maxPeriod) : nil
  }

  /// Reserves the scratch of steps of up to `columns` columns.
  package func reserveScratch(columns: Int, in plan: inout MemoryPlan) -> Scratch {
    let width = configuration.width
    return Scratch(
      attention: Attention.Scratch(
        width: width, heads: configuration.heads, capacity: configuration.capacity, columns: columns,
        rotary: rotary,
        in: &plan),
      normed: plan.reserve(Float.self, columns * width), branch: plan.reserve(Float.self, columns * width),
      hidden: plan.reserve(Float.self, columns * (layers.map(\.feedForward.scratchPerColumn).max() ?? 0)))
  }

  /// Bytes of weights read by one step, whatever its columns.
  package var bytesPerStep: Int {
    layers.reduce(0) { sum, layer in
      let matrices =
        [layer.attention.input.matrix, layer.attention.output.matrix] + layer.feedForward.matrices
      return sum + matrices.reduce(0) { $0 + $1.bytes }
    }
  }

  /// Bytes of keys and values that one more position adds.
  package var bytesPerPosition: Int { layers.reduce(0) { $0 + $1.cache.bytesPerPosition } }

  /// What `KVCacheOptions.folds` takes, from a session whose keys were remembered in f32 at `positions` positions.
  package func keyFolds(_ session: MemoryView, positions: Int) -> [[Float]] {
    layers.map { KeyFold.factors($0.cache, session, positions: positions) }
  }

  /// Advances every column by one token, in place.
  ///
  /// - Parameter x: [columns.count][width]
  package func step(
    _ x: UnsafeMutablePointer<Float>, _ columns: Columns, _ regions: Scratch, _ scratch: MemoryView,
    _ workers: Workers
  ) {
    let (width, count) = (configuration.width, columns.count)
    let (normed, branch) = (scratch[regions.normed], scratch[regions.branch])
    if let angles = regions.attention.angles { rotary?.prepare(columns, scratch[angles]) }
    if configuration.position == .sinusoidal { addSinusoids(to: x, columns) }
    // By index: iterators over large structs take heap memory in builds that are not optimised.
    for index in layers.indices {
      let layer = layers[index]
      layer.norm1(x, into: normed, count: count)
      layer.attention.step(
        normed, into: layer.scale1 == nil ? x : branch, accumulate: layer.scale1 == nil, layer.cache,
        context: configuration.context, rotary: rotary, fold: layer.fold, columns, regions.attention, scratch,
        workers)
      if let scale = layer.scale1 { add(branch, scaledBy: scale, to: x, width, count) }
      layer.norm2(x, into: normed, count: count)
      layer.feedForward(
        normed, into: layer.scale2 == nil ? x : branch, count: count, accumulate: layer.scale2 == nil,
        scratch: scratch[regions.hidden], workers)
      if let scale = layer.scale2 { add(branch, scaledBy: scale, to: x, width, count) }
    }
  }

  private func add(
    _ branch: UnsafePointer<Float>, scaledBy scale: Vector, to x: UnsafeMutablePointer<Float>, _ width: Int,
    _ count: Int
  ) {
    for column in 0..<count {
      Kernels.add(branch + column * width, scaledBy: scale, to: x + column * width)
    }
  }

  // Cosines in the first half, sines in the second (Attention Is All You Need, 3.5, in the reference's order).
  private func addSinusoids(to x: UnsafeMutablePointer<Float>, _ columns: Columns) {
    let half = configuration.width / 2
    for column in 0..<columns.count {
      let position = Double(columns.positions[column])
      for i in 0..<half {
        let phase = position / pow(configuration.maxPeriod, Double(i) / Double(max(half - 1, 1)))
        x[column * 2 * half + i] += Float(cos(phase))
        x[column * 2 * half + half + i] += Float(sin(phase))
      }
    }
  }
}
