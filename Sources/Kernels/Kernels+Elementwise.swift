internal import CKernels

/// Functions over contiguous floats; lengths are counts of floats.
extension Kernels {
  /// x > 0 ? x : e^x - 1, in place.
  package static func elu(_ x: UnsafeMutablePointer<Float>, _ count: Int) { table.pointee.elu(x, count) }

  /// Exact (erf) GELU, in place.
  package static func gelu(_ x: UnsafeMutablePointer<Float>, _ count: Int) { table.pointee.gelu(x, count) }

  /// x / (1 + e^-x), in place.
  package static func silu(_ x: UnsafeMutablePointer<Float>, _ count: Int) { table.pointee.silu(x, count) }

  /// out = silu(gate) * up.
  package static func siluMultiply(
    _ gate: UnsafePointer<Float>, _ up: UnsafePointer<Float>, into out: UnsafeMutablePointer<Float>,
    _ count: Int
  ) { table.pointee.silu_multiply(gate, up, out, count) }

  /// e^x, in place.
  package static func exponential(_ x: UnsafeMutablePointer<Float>, _ count: Int) {
    table.pointee.exponential(x, count)
  }

  /// Softmax, in place.
  package static func softmax(_ x: UnsafeMutablePointer<Float>, _ count: Int) {
    table.pointee.softmax(x, count)
  }

  /// y += x.
  package static func add(_ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, _ count: Int) {
    table.pointee.add(y, x, count)
  }

  /// y += scale * x, element by element.
  package static func add(
    _ x: UnsafePointer<Float>, scaledBy scale: Vector, to y: UnsafeMutablePointer<Float>
  ) { table.pointee.add_scaled(y, scale.base, x, scale.count) }

  /// (x - mean) / sqrt(variance + epsilon) * gain + bias.
  package static func layerNorm(
    _ x: UnsafePointer<Float>, gain: Vector, bias: Vector, epsilon: Float, into y: UnsafeMutablePointer<Float>
  ) { table.pointee.layer_norm(x, gain.base, bias.base, epsilon, y, gain.count) }

  /// x / sqrt(mean square + epsilon) * gain.
  package static func rmsNorm(
    _ x: UnsafePointer<Float>, gain: Vector, epsilon: Float, into y: UnsafeMutablePointer<Float>
  ) { table.pointee.rms_norm(x, gain.base, epsilon, y, gain.count) }

  /// Depthwise convolution: y[t][c] = bias[c] + sum over j of weight[j][c] * x[t + j][c].
  package static func depthwise(
    _ x: UnsafePointer<Float>, weight: Vector, bias: Vector?, into y: UnsafeMutablePointer<Float>, steps: Int,
    channels: Int
  ) { table.pointee.depthwise(x, weight.base, bias?.base, y, steps, channels, weight.count / channels) }

  /// Index of the largest value, the first of equals; 0 where there are no values.
  package static func largest(_ x: UnsafePointer<Float>, _ count: Int) -> Int32 {
    var best = 0
    for i in 1..<max(count, 1) where x[i] > x[best] { best = i }
    return Int32(best)
  }
}
