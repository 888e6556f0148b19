internal import Checkpoint
internal import Kernels
internal import Layers

/// Samples to features (SEANet, as in Mimi): convolution, then stages of residual units and a strided convolution each.
///
/// Channels, kernels and the number of stages come from the tensors' shapes; a stage's stride is half its kernel.
struct SEANetEncoder: Sendable {
  private struct Stage: Sendable {
    let units: [ResidualUnit]
    let down: StreamingConvolution
    let steps: Int  // time steps that enter
  }

  private let initial: StreamingConvolution
  private let stages: [Stage]
  private let final: StreamingConvolution
  private let samples: Int
  /// Time steps that leave, per frame.
  let frameSteps: Int
  let outputs: Int
  let bytes: Int

  init(_ scope: Scope, samples: Int, state: inout MemoryPlan) throws(CheckpointError) {
    let convolutions = SEANetNames.indices(scope, "conv.conv")
    guard convolutions.count >= 2 else {
      throw .missingTensor(
        file: scope.checkpoint.path, tensor: scope.full("model.0.conv.conv.weight"),
        present: convolutions.count)
    }
    func load(_ index: Int, _ inputs: Int, strided: Bool, _ steps: Int, _ state: inout MemoryPlan)
      throws(CheckpointError) -> StreamingConvolution
    {
      let shape = try SEANetNames.shape(scope, "model.\(index).conv.conv")
      return try StreamingConvolution(
        scope["model.\(index).conv.conv"], inputs: inputs, outputs: shape[0], kernel: shape[2],
        stride: strided ? max(shape[2] / 2, 1) : 1, steps: steps, state: &state)
    }
    self.samples = samples
    initial = try load(convolutions[0], 1, strided: false, samples, &state)
    var (steps, channels, next) = (samples, initial.outputs, convolutions[0] + 1)
    var stages: [Stage] = []
    for index in convolutions[1..<convolutions.count - 1] {
      var units: [ResidualUnit] = []
      while next < index {
        if scope.hasAny(below: "model.\(next).block") {
          units.append(
            try ResidualUnit(scope["model.\(next)"], channels: channels, steps: steps, state: &state))
        }
        next += 1
      }
      let shape = try SEANetNames.shape(scope, "model.\(index).conv.conv")
      guard shape[2] >= 2, steps % (shape[2] / 2) == 0, shape[1] == channels else {
        throw .wrongShape(
          file: scope.checkpoint.path, tensor: scope.full("model.\(index).conv.conv.weight"),
          expected: [shape[0], channels, shape[2]], found: shape)
      }
      let down = try load(index, channels, strided: true, steps, &state)
      stages.append(Stage(units: units, down: down, steps: steps))
      (steps, channels, next) = (steps / down.stride, down.outputs, index + 1)
    }
    final = try load(convolutions.last!, channels, strided: false, steps, &state)
    self.stages = stages
    frameSteps = steps
    outputs = final.outputs
    bytes = stages.reduce(initial.bytes + final.bytes) { sum, stage in
      stage.units.reduce(sum + stage.down.bytes) { $0 + $1.bytes }
    }
  }

  /// - Parameters:
  ///   - frame: samples of one frame.
  ///   - y: [frameSteps][outputs]
  func step(
    _ frame: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, _ state: MemoryView,
    _ workers: Workers
  ) {
    initial.step(
      frame, samples, into: stages.isEmpty ? final.input(state) : stages[0].down.input(state), isFirst: false,
      state, workers)
    // By index: iterating over large structs allocates in unoptimized builds.
    for index in stages.indices {
      let stage = stages[index]
      let x = stage.down.input(state)
      for unit in stage.units.indices { stage.units[unit].step(x, stage.steps, state, workers) }
      Kernels.elu(x, stage.steps * stage.down.inputs)
      let target = index + 1 < stages.count ? stages[index + 1].down.input(state) : final.input(state)
      stage.down.step(stage.steps, into: target, isFirst: false, state, workers)
    }
    Kernels.elu(final.input(state), frameSteps * final.inputs)
    final.step(frameSteps, into: y, isFirst: false, state, workers)
  }
}
