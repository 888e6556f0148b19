internal import Checkpoint
internal import Kernels
internal import Layers

/// x += conv1x1(ELU(conv3(ELU(x)))): SEANet's residual unit, causal, so the skip needs no delay.
struct ResidualUnit: Sendable {
  private let first: StreamingConvolution
  private let second: StreamingConvolution

  init(_ scope: Scope, channels: Int, steps: Int, state: inout MemoryPlan) throws(CheckpointError) {
    let shape = try SEANetNames.shape(scope, "block.1.conv.conv")
    first = try StreamingConvolution(
      scope["block.1.conv.conv"], inputs: channels, outputs: shape[0], kernel: shape[2], steps: steps,
      state: &state)
    second = try StreamingConvolution(
      scope["block.3.conv.conv"], inputs: shape[0], outputs: channels, kernel: 1, steps: steps, state: &state)
  }

  var bytes: Int { first.bytes + second.bytes }

  /// - Parameter x: [steps][channels], in place.
  func step(_ x: UnsafeMutablePointer<Float>, _ steps: Int, _ state: MemoryView, _ workers: Workers) {
    let (outer, inner) = (first.input(state), second.input(state))
    outer.update(from: x, count: steps * first.inputs)
    Kernels.elu(outer, steps * first.inputs)
    first.step(steps, into: inner, isFirst: false, state, workers)
    Kernels.elu(inner, steps * second.inputs)
    second.step(steps, into: x, accumulate: true, isFirst: false, state, workers)
  }
}
