import Checkpoint
import Layers
import TestSupport
import Testing

struct NormTests {
  @Test(
    "norms are the reference's, for rows of very different size",
    arguments: ["layer_norm", "layer_norm_f32", "rms_norm", "rms_norm_f32"])
  func golden(name: String) throws {
    let (scope, file) = try GoldenLayers.open()
    let kind = try #require(Norm.Kind(rawValue: name))
    let norm = try Norm(scope[name], kind, width: 24)
    let (shape, x) = try file.floats(name + ".input", rank: 2)
    let expected = try file.floats(name + ".output", rank: 2).values
    var y = [Float](repeating: 0, count: x.count)
    norm(x, into: &y, count: shape[0])
    #expect(largestDifference(y, expected) <= 5e-6)
    // In place, one row at a time.
    var z = x
    z.withUnsafeMutableBufferPointer { z in
      for row in 0..<shape[0] { norm(z.baseAddress! + row * 24, into: z.baseAddress! + row * 24, count: 1) }
    }
    #expect(z == y)
  }
}
