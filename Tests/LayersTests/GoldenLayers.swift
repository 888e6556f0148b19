import Checkpoint
import Kernels
import Layers
import TestSupport
import Testing

/// The layers of `layers.safetensors`.
enum GoldenLayers {
  static func open() throws -> (scope: Scope, file: Safetensors) {
    let file = try Golden.open("layers.safetensors")
    return (Checkpoint(file).scope(""), file)
  }

  /// A tensor [channels][time] as the layers hold it, [time][channels].
  static func timeFirst(_ file: Safetensors, _ name: String) throws -> [Float] {
    let (shape, values) = try file.floats(name, rank: 2)
    return (0..<values.count).map { values[$0 % shape[0] * shape[1] + $0 / shape[0]] }
  }
}
