internal import Checkpoint
internal import Kernels
internal import Layers

/// The transformer of either half of either architecture: LayerNorm, exact GELU, layer scale, rotary positions.
enum CodecTransformer {
  /// The ring has exactly `context` slots, and a frame's positions are written before they attend, as in the reference.
  static func load(
    _ scope: Scope, _ configuration: CodecConfiguration, width: Int, lanes: Int, _ plan: inout HalfPlan
  ) throws(CheckpointError) -> Transformer {
    var layers = 0
    while scope.hasAny(below: "layers.\(layers)") { layers += 1 }
    guard width % (2 * configuration.heads) == 0 else {
      // Heads have an even width: rotary positions rotate pairs.
      throw .badField(
        file: scope.checkpoint.path, field: "codec.num_heads", expected: "a divisor of half of \(width)",
        found: "\(configuration.heads)")
    }
    return try Transformer(
      scope,
      TransformerConfiguration(
        width: width, heads: configuration.heads, layers: layers, context: configuration.context,
        capacity: max(configuration.context, lanes), maxPeriod: configuration.maxPeriod, norm: .layerNorm,
        gated: false, position: .rotary), state: &plan.state)
  }
}

extension HalfMemory {
  /// The pass of this frame's `positions` positions through the transformer.
  func pass(positions: Int, _ workers: Workers) -> Pass {
    lanes.removeAll()
    lanes.append(state, first: frames * Int64(positions), length: positions)
    return Pass(lanes, scratch: scratch, workers)
  }
}
