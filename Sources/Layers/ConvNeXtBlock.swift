package import Checkpoint
package import Kernels

/// x += gain * contract(GELU(expand(norm(depthwise(x))))): a causal ConvNeXt block (A ConvNet for the 2020s, 2.6).
package struct ConvNeXtBlock: Sendable {
  private let width: Int
  private let steps: Int
  private let kernel: Int
  private let depthwise: (weight: Vector, bias: Vector)  // weight [kernel][width]
  private let norm: Norm
  private let expand: Linear
  private let contract: Linear
  private let gain: Vector
  private let buffer: Region<Float>  // [kernel - 1 + steps][width]
  private let branch: Region<Float>  // [steps][width]
  private let hidden: Region<Float>  // [steps][expanded]

  /// Reads `depthwise.conv`, `norm`, `expand`, `contract` and `gain`; sizes come from the tensors' shapes.
  ///
  /// - Parameter steps: time steps of one call.
  package init(
    _ scope: Scope, width: Int, steps: Int, state: inout MemoryPlan, scratch: inout MemoryPlan
  ) throws(CheckpointError) {
    let kernel = max(try scope.shape("depthwise.conv.weight").last ?? 1, 1)
    let expanded = try scope.shape("expand.weight").first ?? 0
    let taps = try scope.values("depthwise.conv.weight", [width, 1, kernel])
    self.width = width
    self.steps = steps
    self.kernel = kernel
    depthwise = (
      Vector(count: kernel * width) { taps[$0 % width * kernel + $0 / width] },
      try scope.vector("depthwise.conv.bias", width)
    )
    norm = try Norm(scope["norm"], .layerNorm, width: width)
    expand = try Linear(panels: scope["expand"], inputs: width, outputs: expanded)
    contract = try Linear(panels: scope["contract"], inputs: expanded, outputs: width)
    gain = try scope.vector("gain", width)
    buffer = state.reserve(Float.self, (kernel - 1 + steps) * width)
    branch = scratch.reserve(Float.self, steps * width)
    hidden = scratch.reserve(Float.self, steps * expanded)
  }

  /// Reads `count` blocks, `<name>.0`, `<name>.1`, ...
  package static func list(
    _ scope: Scope, _ name: String, count: Int, width: Int, steps: Int, state: inout MemoryPlan,
    scratch: inout MemoryPlan
  ) throws(CheckpointError) -> [ConvNeXtBlock] {
    var blocks: [ConvNeXtBlock] = []
    for index in 0..<count {
      blocks.append(
        try ConvNeXtBlock(
          scope["\(name).\(index)"], width: width, steps: steps, state: &state, scratch: &scratch))
    }
    return blocks
  }

  package var bytes: Int { expand.matrix.bytes + contract.matrix.bytes }

  /// - Parameter x: [steps][width], in place.
  package func step(
    _ x: UnsafeMutablePointer<Float>, _ state: MemoryView, _ scratch: MemoryView, _ workers: Workers
  ) {
    let (start, branch, hidden) = (state[buffer], scratch[branch], scratch[hidden])
    (start + (kernel - 1) * width).update(from: x, count: steps * width)
    Kernels.depthwise(
      start, weight: depthwise.weight, bias: depthwise.bias, into: branch, steps: steps, channels: width)
    start.update(from: start + steps * width, count: (kernel - 1) * width)
    norm(branch, into: branch, count: steps)
    expand(branch, into: hidden, count: steps, workers)
    Kernels.gelu(hidden, steps * expand.outputs)
    contract(hidden, into: branch, count: steps, workers)
    for step in 0..<steps { Kernels.add(branch + step * width, scaledBy: gain, to: x + step * width) }
  }
}
