internal import Checkpoint
internal import Kernels
internal import Layers

/// Features to samples (SEANet, as in Mimi): convolution, then stages of a transposed convolution and residual units.
struct SEANetDecoder: Sendable {
  private struct Stage: Sendable {
    let up: StreamingTransposedConvolution
    let units: [ResidualUnit]
    let inputs: Int
    let steps: Int  // time steps that enter
  }

  private let initial: StreamingConvolution
  private let stages: [Stage]
  private let final: StreamingConvolution
  private let frameSteps: Int
  /// Samples that leave, per frame.
  let samples: Int
  let inputs: Int
  let bytes: Int

  /// - Parameters:
  ///   - frameSteps: time steps that enter, per frame.
  ///   - samples: samples per frame that are expected to leave.
  init(
    _ scope: Scope, frameSteps: Int, samples: Int, state: inout MemoryPlan
  ) throws(CheckpointError) {
    let convolutions = SEANetNames.indices(scope, "conv.conv")
    let transposed = SEANetNames.indices(scope, "convtr.convtr")
    guard convolutions.count == 2, let last = convolutions.last, transposed.last ?? 0 < last else {
      throw .missingTensor(
        file: scope.checkpoint.path, tensor: scope.full("model.0.conv.conv.weight"),
        present: convolutions.count)
    }
    let first = try SEANetNames.shape(scope, "model.\(convolutions[0]).conv.conv")
    self.frameSteps = frameSteps
    initial = try StreamingConvolution(
      scope["model.\(convolutions[0]).conv.conv"], inputs: first[1], outputs: first[0], kernel: first[2],
      steps: frameSteps, state: &state)
    inputs = first[1]
    var (steps, channels) = (frameSteps, first[0])
    var stages: [Stage] = []
    for (order, index) in transposed.enumerated() {
      let shape = try SEANetNames.shape(scope, "model.\(index).convtr.convtr")
      let stride = max(shape[2] / 2, 1)
      guard stride <= samples / steps else {
        throw .wrongShape(
          file: scope.checkpoint.path, tensor: scope.full("model.\(index).convtr.convtr.weight"),
          expected: [channels, shape[1], 2 * max(samples / steps, 1)], found: shape)
      }
      let up = try StreamingTransposedConvolution(
        scope["model.\(index).convtr.convtr"], inputs: channels, outputs: shape[1], kernel: shape[2],
        stride: stride, steps: steps, state: &state)
      let end = order + 1 < transposed.count ? transposed[order + 1] : last
      var units: [ResidualUnit] = []
      for unit in index + 1..<end where scope.hasAny(below: "model.\(unit).block") {
        units.append(
          try ResidualUnit(
            scope["model.\(unit)"], channels: shape[1], steps: steps * up.stride, state: &state))
      }
      stages.append(Stage(up: up, units: units, inputs: channels, steps: steps))
      (steps, channels) = (steps * up.stride, shape[1])
    }
    let shape = try SEANetNames.shape(scope, "model.\(last).conv.conv")
    final = try StreamingConvolution(
      scope["model.\(last).conv.conv"], inputs: channels, outputs: 1, kernel: shape[2], steps: steps,
      state: &state)
    self.stages = stages
    self.samples = steps
    bytes = stages.reduce(initial.bytes + final.bytes) { sum, stage in
      stage.units.reduce(sum + stage.up.bytes) { $0 + $1.bytes }
    }
  }

  /// - Parameters:
  ///   - x: [frameSteps][inputs]
  ///   - frame: samples of one frame.
  func step(
    _ x: UnsafePointer<Float>, into frame: UnsafeMutablePointer<Float>, _ state: MemoryView,
    _ workers: Workers
  ) {
    initial.step(
      x, frameSteps, into: stages.isEmpty ? final.input(state) : stages[0].up.input(state), isFirst: false,
      state,
      workers)
    // By index: iterating over large structs allocates in unoptimized builds.
    for index in stages.indices {
      let stage = stages[index]
      let input = stage.up.input(state)
      Kernels.elu(input, stage.steps * stage.inputs)
      let target = index + 1 < stages.count ? stages[index + 1].up.input(state) : final.input(state)
      stage.up.step(stage.steps, into: target, state, workers)
      for unit in stage.units.indices {
        stage.units[unit].step(target, stage.steps * stage.up.stride, state, workers)
      }
    }
    Kernels.elu(final.input(state), samples * final.inputs)
    final.step(samples, into: frame, isFirst: false, state, workers)
  }
}
