internal import Checkpoint
internal import Kernels
internal import Layers

/// One module of the drafter: it guesses the hidden state of the step after the one that it reads (VITA-Audio, 3.2, and
/// DeepSeek-V3, 2.2, whose form it has):
///
///     z = W [norm_e(e); norm_h(h)]        e: the column's own tokens, embedded and added up; h: a hidden state
///     g = out_norm(layer(z))              over a short window of its own
///
/// The model's own heads then read g as if the backbone had computed it.
struct DraftModule: Sendable {
  private let columnNorm: Norm
  private let hiddenNorm: Norm
  private let join: Linear  // [width, 2 * width]
  private let layer: Transformer
  private let outNorm: Norm
  private let width: Int

  /// - Parameters:
  ///   - scope: where `norm_e`, `norm_h`, `proj`, `layer` and `out_norm` are.
  ///   - backbone: whose kind of layer it has.
  ///   - state: the plan of a state's memory.
  init(
    _ scope: Scope, _ backbone: TransformerConfiguration, window: Int, state: inout MemoryPlan
  ) throws(CheckpointError) {
    width = backbone.width
    var configuration = backbone
    configuration.layers = 1
    configuration.context = window
    configuration.capacity = window + backbone.block - 1
    configuration.cache = KVCacheOptions()
    columnNorm = try Norm(scope["norm_e"], backbone.norm, width: width)
    hiddenNorm = try Norm(scope["norm_h"], backbone.norm, width: width)
    join = try Linear(scope["proj"], inputs: 2 * width, outputs: width)
    layer = try Transformer(configuration, state: &state) { _, _ in TransformerLayer.Source(scope["layer"]) }
    outNorm = try Norm(scope["out_norm"], backbone.norm, width: width)
  }

  /// Bytes of weights that one pass reads.
  var bytesPerPass: Int { join.matrix.bytes + layer.bytesPerPass() }

  struct Scratch: Sendable {
    let joined: Region<Float>  // [lanes][2 * width]
    let x: Region<Float>  // [lanes][width]
    let layer: TransformerLayer.Scratch
  }

  func reserveScratch(lanes: Int, in plan: inout MemoryPlan) -> Scratch {
    Scratch(
      joined: plan.reserve(Float.self, lanes * 2 * width), x: plan.reserve(Float.self, lanes * width),
      layer: layer.reserveScratch(lanes: lanes, in: &plan))
  }

  /// Advances every lane of the backbone's pass by one position.
  ///
  /// - Parameters:
  ///   - columns: [lanes][width], the embedded columns.
  ///   - hidden: [lanes][width]; overwritten with g.
  func step(
    _ columns: UnsafePointer<Float>, _ hidden: UnsafeMutablePointer<Float>, _ regions: Scratch, _ pass: Pass
  ) {
    let (count, joined, x) = (pass.lanes.count, pass.scratch[regions.joined], pass.scratch[regions.x])
    for lane in 0..<count {
      let row = joined + lane * 2 * width
      columnNorm(columns + lane * width, into: row, count: 1)
      hiddenNorm(hidden + lane * width, into: row + width, count: 1)
    }
    join(joined, into: x, count: count, pass.workers)
    layer.step(x, regions.layer, pass)
    outNorm(x, into: hidden, count: count)
  }
}
