package import Checkpoint
package import Kernels

/// The second half of a transformer layer: gated (SwiGLU) or plain (two linears around an exact GELU).
package enum FeedForward: Sendable {
  case gated(input: Linear, output: Linear)
  case plain(first: Linear, second: Linear)

  /// Gated: `linear_in` [2h, width] (gate rows, then up rows) and `linear_out`; h comes from the tensor's shape.
  package init(gated scope: Scope, width: Int) throws(CheckpointError) {
    let shape = try scope.shape("linear_in.weight")
    let hidden = (shape.first ?? 0) / 2
    self = .gated(
      input: try Linear(scope["linear_in"], inputs: width, outputs: 2 * hidden),
      output: try Linear(scope["linear_out"], inputs: hidden, outputs: width))
  }

  /// Plain: `linear1` and `linear2`; the hidden width comes from the tensor's shape.
  package init(plain scope: Scope, width: Int) throws(CheckpointError) {
    let hidden = try scope.shape("linear1.weight").first ?? 0
    self = .plain(
      first: try Linear(scope["linear1"], inputs: width, outputs: hidden),
      second: try Linear(scope["linear2"], inputs: hidden, outputs: width))
  }

  /// Floats of scratch per lane.
  package var scratchPerLane: Int {
    switch self {
    case .gated(let input, let output): input.outputs + output.inputs
    case .plain(let first, _): first.outputs
    }
  }

  package var matrices: [Matrix] {
    switch self {
    case .gated(let first, let second), .plain(let first, let second): [first.matrix, second.matrix]
    }
  }

  /// - Parameters:
  ///   - x: [lanes][width]
  ///   - y: [lanes][width]; added to with `accumulate`.
  ///   - hidden: `scratchPerLane` floats for every lane.
  package func callAsFunction(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, accumulate: Bool,
    _ hidden: Region<Float>, _ pass: Pass
  ) {
    let (count, scratch, workers) = (pass.lanes.count, pass.scratch[hidden], pass.workers)
    switch self {
    case .gated(let input, let output):
      let hidden = output.inputs
      let gated = scratch + count * 2 * hidden
      input(x, into: scratch, count: count, workers)
      for lane in 0..<count {
        let gate = scratch + lane * 2 * hidden
        Kernels.siluMultiply(gate, gate + hidden, into: gated + lane * hidden, hidden)
      }
      output(gated, into: y, count: count, accumulate: accumulate, workers)
    case .plain(let first, let second):
      first(x, into: scratch, count: count, workers)
      Kernels.gelu(scratch, count * first.outputs)
      second(scratch, into: y, count: count, accumulate: accumulate, workers)
    }
  }
}
