package import Checkpoint
internal import Kernels

/// Layer normalisation or root-mean-square normalisation, with a gain.
package struct Norm: Sendable {
  /// The published names of the kinds.
  package enum Kind: String, Sendable {
    case layerNorm = "layer_norm"
    case layerNormFloat = "layer_norm_f32"
    case rmsNorm = "rms_norm"
    case rmsNormFloat = "rms_norm_f32"

    var epsilon: Float {
      switch self {
      case .layerNorm, .rmsNorm: 1e-5
      case .layerNormFloat, .rmsNormFloat: 1e-8
      }
    }
  }

  private let gain: Vector
  private let bias: Vector?
  private let epsilon: Float
  package var width: Int { gain.count }

  /// Reads `weight` and `bias`, or `alpha`.
  package init(_ scope: Scope, _ kind: Kind, width: Int) throws(CheckpointError) {
    epsilon = kind.epsilon
    switch kind {
    case .layerNorm, .layerNormFloat:
      gain = try scope.vector("weight", width)
      bias = try scope.vector("bias", width)
    case .rmsNorm, .rmsNormFloat:
      gain = try scope.vector(scope.has("weight") ? "weight" : "alpha", width)
      bias = nil
    }
  }

  /// - Parameters:
  ///   - x: [count][width]
  ///   - y: [count][width]; may be `x`.
  package func callAsFunction(_ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, count: Int) {
    for lane in 0..<count {
      let (source, target) = (x + lane * width, y + lane * width)
      if let bias {
        Kernels.layerNorm(source, gain: gain, bias: bias, epsilon: epsilon, into: target)
      } else {
        Kernels.rmsNorm(source, gain: gain, epsilon: epsilon, into: target)
      }
    }
  }
}
