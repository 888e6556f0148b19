package import Checkpoint
package import Kernels

/// Causal convolution over time, as one matrix product: samples lie [time][channels], so the window of every output is
/// contiguous and overlaps its neighbour's. No window is ever copied out.
///
/// The last `kernel - stride` inputs stay in front of the next call's, in the state's memory.
package struct StreamingConvolution: Sendable {
  /// The input before the first one.
  package enum Padding: Sendable {
    case zeros
    /// The first input, repeated.
    case replicate
  }

  package let inputs: Int
  package let outputs: Int
  package let kernel: Int
  package let stride: Int
  package let padding: Padding
  private let weights: Matrix  // [outputs, kernel * inputs]
  private let bias: Vector?
  // [kernel - stride + steps][inputs]
  private let buffer: Region<Float>

  /// Reads `weight` [outputs, inputs, kernel] (or `weight_g`, `weight_v`) and, where the file has one, `bias`.
  ///
  /// - Parameter steps: most inputs of one call, a multiple of `stride`.
  package init(
    _ scope: Scope, inputs: Int, outputs: Int, kernel: Int, stride: Int = 1, padding: Padding = .zeros,
    steps: Int,
    state: inout MemoryPlan
  ) throws(CheckpointError) {
    let weight = try ConvolutionWeights(scope, shape: [outputs, inputs, kernel])
    self.init(
      weights: scope.checkpoint.panels(outputs, kernel * inputs) { row, column in
        weight[row, column % inputs, column / inputs]
      }, bias: scope.has("bias") ? try scope.vector("bias", outputs) : nil, inputs: inputs, kernel: kernel,
      stride: stride, padding: padding, steps: steps, state: &state)
  }

  /// - Parameter weights: [outputs, kernel * inputs], the oldest input's channels first.
  package init(
    weights: Matrix, bias: Vector?, inputs: Int, kernel: Int, stride: Int = 1, padding: Padding = .zeros,
    steps: Int,
    state: inout MemoryPlan
  ) {
    precondition(kernel >= stride && steps % stride == 0 && weights.columns == kernel * inputs)
    self.weights = weights
    self.bias = bias
    self.inputs = inputs
    outputs = weights.rows
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    buffer = state.reserve(Float.self, (kernel - stride + steps) * inputs)
  }

  package var bytes: Int { weights.bytes }

  /// Where the next call's inputs go, [steps][inputs]; the layer before may write there, which saves a copy.
  package func input(_ state: MemoryView) -> UnsafeMutablePointer<Float> {
    state[buffer] + (kernel - stride) * inputs
  }

  /// Convolves the `steps` inputs that lie in `input(state)` to `steps / stride` outputs.
  ///
  /// - Parameters:
  ///   - y: [steps / stride][outputs]; added to with `accumulate`.
  ///   - isFirst: whether this is the state's first call.
  package func step(
    _ steps: Int, into y: UnsafeMutablePointer<Float>, accumulate: Bool = false, isFirst: Bool,
    _ state: MemoryView,
    _ workers: Workers
  ) {
    precondition(steps > 0 && steps % stride == 0)
    let start = state[buffer]
    let kept = kernel - stride
    if isFirst && padding == .replicate {
      for input in 0..<kept { (start + input * inputs).update(from: start + kept * inputs, count: inputs) }
    }
    weights.multiply(
      start, xStride: stride * inputs, into: y, yStride: outputs, count: steps / stride, bias: bias?.base,
      accumulate: accumulate, workers)
    // The regions may overlap where a call is shorter than the history; copying forwards is then correct.
    if kept > 0 { start.update(from: start + steps * inputs, count: kept * inputs) }
  }

  /// The same for inputs that lie elsewhere, [steps][inputs].
  package func step(
    _ x: UnsafePointer<Float>, _ steps: Int, into y: UnsafeMutablePointer<Float>, accumulate: Bool = false,
    isFirst: Bool, _ state: MemoryView, _ workers: Workers
  ) {
    input(state).update(from: x, count: steps * inputs)
    step(steps, into: y, accumulate: accumulate, isFirst: isFirst, state, workers)
  }
}

/// A convolution's weights [a, b, kernel] as stored: plain, or weight-normalised (`weight_g` [a, 1, 1], `weight_v`).
struct ConvolutionWeights {
  private let values: TensorValues
  private let scale: [Float]?
  private let shape: [Int]

  init(_ scope: Scope, shape: [Int]) throws(CheckpointError) {
    self.shape = shape
    guard !scope.has("weight"), scope.has("weight_v") else {
      values = try scope.values("weight", shape)
      scale = nil
      return
    }
    // w = g v / |v|, the norm over all but the first dimension.
    let values = try scope.values("weight_v", shape)
    let gain = try scope.vector("weight_g", shape[0])
    let size = shape[1] * shape[2]
    self.values = values
    scale = (0..<shape[0]).map { row in
      gain[row]
        / (0..<size).reduce(0 as Float) { $0 + values[row * size + $1] * values[row * size + $1] }
        .squareRoot()
    }
  }

  subscript(a: Int, b: Int, tap: Int) -> Float {
    values[(a * shape[1] + b) * shape[2] + tap] * (scale?[a] ?? 1)
  }
}
