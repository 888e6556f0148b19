internal import Checkpoint
internal import Kernels
internal import Layers

/// Moshi's temporal transformer (Moshi, 3.4.1), which has one position per frame, and the norm after it.
struct Backbone: Sendable {
  private let transformer: Transformer
  private let norm: Norm

  /// - Parameters:
  ///   - root: where `transformer` and `out_norm` are.
  ///   - state: the plan of a state's memory.
  init(
    _ root: Scope, _ configuration: TransformerConfiguration, state: inout MemoryPlan
  ) throws(CheckpointError) {
    transformer = try Transformer(root["transformer"], configuration, state: &state)
    norm = try Norm(root["out_norm"], configuration.norm, width: configuration.width)
  }

  /// Bytes of weights that one pass reads.
  var bytesPerPass: Int { transformer.bytesPerPass() }

  /// Bytes of keys and values that one more position adds.
  var bytesPerPosition: Int { transformer.bytesPerPosition }

  func keyFolds(_ state: MemoryView, positions: Int) -> [[Float]] {
    transformer.keyFolds(state, positions: positions)
  }

  struct Scratch: Sendable {
    let raw: Region<Float>  // [lanes][width]
    let normed: Region<Float>  // [lanes][width]
    let transformer: TransformerLayer.Scratch
  }

  func reserveScratch(lanes: Int, in plan: inout MemoryPlan) -> Scratch {
    let width = transformer.configuration.width
    return Scratch(
      raw: plan.reserve(Float.self, lanes * width), normed: plan.reserve(Float.self, lanes * width),
      transformer: transformer.reserveScratch(lanes: lanes, in: &plan))
  }

  /// A lane's input, [width], which the pass overwrites with its hidden state.
  func lane(_ index: Int, _ regions: Scratch, _ pass: Pass) -> UnsafeMutablePointer<Float> {
    pass.scratch[regions.raw] + index * transformer.configuration.width
  }

  /// Advances every lane by one position.
  func think(_ regions: Scratch, _ pass: Pass) -> Hidden {
    let (raw, normed) = (pass.scratch[regions.raw], pass.scratch[regions.normed])
    transformer.step(raw, regions.transformer, pass)
    norm(raw, into: normed, count: pass.lanes.count)
    return hidden(pass.lanes.count, regions, pass.scratch)
  }

  /// The hidden states that the last pass, of `lanes` lanes, left in the scratch.
  func hidden(_ lanes: Int, _ regions: Scratch, _ scratch: MemoryView) -> Hidden {
    Hidden(
      raw: UnsafePointer(scratch[regions.raw]), normed: UnsafePointer(scratch[regions.normed]), count: lanes,
      width: transformer.configuration.width)
  }
}

/// The backbone's hidden states, one per lane. They lie in the scratch until the next pass.
package struct Hidden {
  /// Before `out_norm`, [count][width].
  package let raw: UnsafePointer<Float>
  /// After `out_norm`, [count][width]: what the heads read.
  package let normed: UnsafePointer<Float>
  /// Lanes.
  package let count: Int
  package let width: Int

  /// One of the lanes.
  subscript(lane: Int) -> Hidden {
    Hidden(raw: raw + lane * width, normed: normed + lane * width, count: 1, width: width)
  }
}
