internal import Kernels

/// The decoder's network: one latent vector becomes one frame of samples.
protocol Synthesis: Sendable {
  /// Floats of the latent vector.
  var width: Int { get }
  /// Bytes of weights read per frame.
  var bytes: Int { get }
  /// - Parameters:
  ///   - latent: `width` floats.
  ///   - frame: samples of one frame.
  func step(
    _ latent: UnsafePointer<Float>, into frame: UnsafeMutablePointer<Float>, _ memory: HalfMemory,
    _ workers: Workers)
}
