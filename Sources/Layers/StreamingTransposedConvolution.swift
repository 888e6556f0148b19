package import Checkpoint
package import Kernels

/// Causal transposed convolution: every input becomes `stride` outputs.
///
/// The outputs that one input completes are sums over the last ceil(kernel / stride) inputs, so this is also a causal
/// convolution, with stride 1 and `stride * outputs` channels. Its output already lies [time][channels].
package struct StreamingTransposedConvolution: Sendable {
  package let stride: Int
  package let outputs: Int
  private let convolution: StreamingConvolution

  /// Reads `weight` [inputs, outputs, kernel] and, where the file has one, `bias`.
  ///
  /// - Parameter steps: most inputs of one call.
  package init(
    _ scope: Scope, inputs: Int, outputs: Int, kernel: Int, stride: Int, steps: Int, state: inout MemoryPlan
  ) throws(CheckpointError) {
    let weight = try ConvolutionWeights(scope, shape: [inputs, outputs, kernel])
    let bias = scope.has("bias") ? try scope.vector("bias", outputs) : nil
    self.init(
      weight: { weight[$0, $1, $2] }, bias: bias, inputs: inputs, outputs: outputs, kernel: kernel,
      stride: stride, steps: steps, format: scope.checkpoint.panelFormat(outputs, kernel * inputs),
      state: &state)
  }

  /// - Parameter weight: (input, output, tap) -> weight.
  package init(
    weight: (Int, Int, Int) -> Float, bias: Vector?, inputs: Int, outputs: Int, kernel: Int, stride: Int,
    steps: Int, format: Matrix.Format = .panels, state: inout MemoryPlan
  ) {
    let taps = (kernel + stride - 1) / stride
    self.stride = stride
    self.outputs = outputs
    convolution = StreamingConvolution(
      weights: Matrix(panelsOf: stride * outputs, taps * inputs, as: format) { row, column in
        // Row: output `row / outputs` of the block; column: oldest input first.
        let tap = row / outputs + stride * (taps - 1 - column / inputs)
        return tap < kernel ? weight(column % inputs, row % outputs, tap) : 0
      }, bias: bias.map { bias in Vector(count: stride * outputs) { bias[$0 % outputs] } }, inputs: inputs,
      kernel: taps, steps: steps, state: &state)
  }

  package var bytes: Int { convolution.bytes }

  /// Where the next call's inputs go, [steps][inputs].
  package func input(_ state: MemoryView) -> UnsafeMutablePointer<Float> { convolution.input(state) }

  /// Convolves the `steps` inputs that lie in `input(state)` to `steps * stride` outputs.
  ///
  /// - Parameter y: [steps * stride][outputs]
  package func step(
    _ steps: Int, into y: UnsafeMutablePointer<Float>, _ state: MemoryView, _ workers: Workers
  ) {
    convolution.step(steps, into: y, isFirst: false, state, workers)
  }

  /// The same for inputs that lie elsewhere, [steps][inputs].
  package func step(
    _ x: UnsafePointer<Float>, _ steps: Int, into y: UnsafeMutablePointer<Float>, _ state: MemoryView,
    _ workers: Workers
  ) {
    convolution.step(x, steps, into: y, isFirst: false, state, workers)
  }
}
