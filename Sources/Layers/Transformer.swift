package import Checkpoint
internal import Foundation
package import Kernels

/// What a stack of transformer layers is made of.
package struct TransformerConfiguration: Sendable {
  /// How positions are encoded.
  package enum Position: String, Sendable {
    case rotary = "rope"
    case sinusoidal = "sin"
    case none
  }

  package var width: Int
  package var heads: Int
  package var layers: Int
  /// Positions that a query sees, itself included.
  package var context: Int
  /// Slots of the ring of keys and values.
  package var capacity: Int
  package var maxPeriod: Double
  package var norm: Norm.Kind
  package var gated: Bool
  package var position: Position
  /// Most positions of one state that one pass adds.
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

/// A stack of transformer layers.
///
/// It may have several sets of weights, of which a pass uses one. All sets share the rings of keys and values.
package struct Transformer: Sendable {
  package let configuration: TransformerConfiguration
  private let layers: [TransformerLayer]
  private let rotary: RotaryEmbedding?

  /// A stack with one set of weights.
  ///
  /// - Parameters:
  ///   - scope: where `layers.0`, ... are.
  ///   - state: the plan of a state's memory.
  package init(
    _ scope: Scope, _ configuration: TransformerConfiguration, state: inout MemoryPlan
  ) throws(CheckpointError) {
    try self.init(configuration, state: &state) { layer, _ in
      TransformerLayer.Source(scope["layers.\(layer)"])
    }
  }

  /// - Parameters:
  ///   - sets: sets of weights.
  ///   - state: the plan of a state's memory.
  ///   - source: (layer, set) -> where the weights are.
  package init(
    _ configuration: TransformerConfiguration, sets: Int = 1, state: inout MemoryPlan,
    _ source: (Int, Int) -> TransformerLayer.Source
  ) throws(CheckpointError) {
    self.configuration = configuration
    let headWidth = configuration.width / configuration.heads
    let rotary =
      configuration.position == .rotary
      ? RotaryEmbedding(headWidth: headWidth, maxPeriod: configuration.maxPeriod) : nil
    let sources = (0..<configuration.layers).map { layer in (0..<sets).map { source(layer, $0) } }
    // Either all branches are scaled or none.
    let isScaled = sources.contains { $0.contains { $0.hasScale } }
    var layers: [TransformerLayer] = []
    for (index, sources) in sources.enumerated() {
      layers.append(
        try TransformerLayer(
          sources, configuration, index: index, isScaled: isScaled, rotary: rotary, state: &state))
    }
    self.layers = layers
    self.rotary = rotary
  }

  /// Reserves the scratch of passes of up to `lanes` lanes.
  package func reserveScratch(lanes: Int, in plan: inout MemoryPlan) -> TransformerLayer.Scratch {
    let width = configuration.width
    let isScaled = layers.contains { $0.isScaled }
    return TransformerLayer.Scratch(
      attention: Attention.Scratch(
        width: width, heads: configuration.heads, capacity: configuration.capacity, lanes: lanes,
        rotary: rotary, in: &plan),
      normed: plan.reserve(Float.self, lanes * width),
      branch: plan.reserve(Float.self, isScaled ? lanes * width : 0),
      hidden: plan.reserve(Float.self, lanes * (layers.map(\.scratchPerLane).max() ?? 0)))
  }

  /// Bytes of weights that one pass reads, whatever the number of its lanes.
  package func bytesPerPass(set: Int = 0) -> Int { layers.reduce(0) { $0 + $1.bytes(ofSet: set) } }

  /// Bytes of keys and values that one more position adds.
  package var bytesPerPosition: Int { layers.reduce(0) { $0 + $1.cache.bytesPerPosition } }

  /// What `KVCacheOptions.folds` takes, from a state whose keys were stored in f32 at `positions` positions.
  package func keyFolds(_ state: MemoryView, positions: Int) -> [[Float]] {
    layers.map { KeyFold.factors($0.cache, state, positions: positions) }
  }

  /// Advances every lane by one position, in place.
  ///
  /// - Parameters:
  ///   - x: [lanes][width]
  ///   - set: the set of weights.
  package func step(
    _ x: UnsafeMutablePointer<Float>, set: Int = 0, _ regions: TransformerLayer.Scratch, _ pass: Pass
  ) {
    if let angles = regions.attention.angles { rotary?.prepare(pass.lanes, pass.scratch[angles]) }
    if configuration.position == .sinusoidal { addSinusoids(to: x, pass.lanes) }
    // By index: iterators over large structs take heap memory in builds that are not optimised.
    for index in layers.indices { layers[index].step(x, set: set, regions, pass) }
  }

  // Cosines in the first half, sines in the second (Attention Is All You Need, 3.5, in the reference's order).
  private func addSinusoids(to x: UnsafeMutablePointer<Float>, _ lanes: Lanes) {
    let half = configuration.width / 2
    for lane in 0..<lanes.count {
      let position = Double(lanes.positions[lane])
      for i in 0..<half {
        let phase = position / pow(configuration.maxPeriod, Double(i) / Double(max(half - 1, 1)))
        x[lane * 2 * half + i] += Float(cos(phase))
        x[lane * 2 * half + half + i] += Float(sin(phase))
      }
    }
  }
}
