package import Checkpoint
package import Kernels

/// Causal transposed convolution of every channel by itself, without bias: Mimi's step from 12.5 to 25 Hz.
package struct StreamingDepthwiseUpsample: Sendable {
  private let channels: Int
  private let stride: Int
  private let taps: Int
  private let weight: Vector  // [kernel][channels]
  private let buffer: Region<Float>  // [taps - 1 + steps][channels]

  /// Reads `weight` [channels, 1, kernel] (or `weight_g`, `weight_v`), kernel a multiple of `stride`.
  package init(
    _ scope: Scope, channels: Int, kernel: Int, stride: Int, steps: Int, state: inout MemoryPlan
  ) throws(CheckpointError) {
    precondition(kernel % stride == 0)
    let values = try ConvolutionWeights(scope, shape: [channels, 1, kernel])
    weight = Vector(count: kernel * channels) { values[$0 % channels, 0, $0 / channels] }
    self.channels = channels
    self.stride = stride
    taps = kernel / stride
    buffer = state.reserve(Float.self, (taps - 1 + steps) * channels)
  }

  package func input(_ state: MemoryView) -> UnsafeMutablePointer<Float> {
    state[buffer] + (taps - 1) * channels
  }

  /// Upsamples the `steps` inputs that lie in `input(state)` to `steps * stride` outputs.
  ///
  /// - Parameter y: [steps * stride][channels]
  package func step(_ steps: Int, into y: UnsafeMutablePointer<Float>, _ state: MemoryView) {
    let start = state[buffer]
    for time in 0..<steps {
      for phase in 0..<stride {
        let out = y + (time * stride + phase) * channels
        out.update(repeating: 0, count: channels)
        for tap in 0..<taps {
          let source = start + (time + taps - 1 - tap) * channels
          let gains = weight.base + (phase + tap * stride) * channels
          for channel in 0..<channels { out[channel] += gains[channel] * source[channel] }
        }
      }
    }
    start.update(from: start + steps * channels, count: (taps - 1) * channels)
  }
}
