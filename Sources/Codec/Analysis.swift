internal import Kernels

/// The encoder's network: one frame of samples becomes one latent vector.
protocol Analysis: Sendable {
  /// Floats of the latent vector.
  var width: Int { get }
  /// Bytes of weights read per frame.
  var bytes: Int { get }
  /// - Parameters:
  ///   - frame: samples of one frame.
  ///   - latent: `width` floats.
  func step(
    _ frame: UnsafePointer<Float>, into latent: UnsafeMutablePointer<Float>, _ memory: HalfMemory,
    _ workers: Workers)
}
