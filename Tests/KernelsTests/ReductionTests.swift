import CKernels
import Kernels
import TestSupport
import Testing

/// Functions of whole vectors.
struct ReductionTests {
  @Test("softmax is the reference's, also of very large and very different logits", arguments: Tables.names)
  func softmax(table: String) {
    let table = Tables.named(table)
    var noise = Noise(10)
    var cases = [1, 2, 5, 16, 31, 64, 77, 200].map { noise.floats($0).map { $0 * 10 } }
    cases += [[1e4, 1e4 - 1, -1e4], [-3e38, 0, 3e38], [5, 5, 5, 5], [-1e30], [0, -.infinity, 1]]
    for logits in cases {
      var x = logits
      table.softmax(&x, x.count)
      #expect(largestDifference(x, Reference.softmax(logits)) <= 1e-6)
      #expect(abs(x.reduce(0, +) - 1) <= 1e-5)
    }
  }

  @Test("norms are the reference's at every width, for rows of very different size", arguments: Tables.names)
  func norms(table: String) {
    let table = Tables.named(table)
    var noise = Noise(11)
    for count in [1, 3, 16, 63, 64, 65, 130] {
      for (scale, epsilon) in [(1, 1e-5), (1e-4, 1e-5), (1e4, 1e-8), (1e-4, 1e-8)] as [(Float, Float)] {
        let x = noise.floats(count).map { $0 * scale }
        let (gain, bias) = (noise.floats(count), noise.floats(count))
        var out = [Float](repeating: 0, count: count)
        table.layer_norm(x, gain, bias, epsilon, &out, count)
        let expected = Reference.layerNorm(x, weight: gain, bias: bias, epsilon: Double(epsilon))
        #expect(largestDifference(out, expected) <= 2e-5, "layer norm of \(count)")
        table.rms_norm(x, gain, epsilon, &out, count)
        let root = Reference.rmsNorm(x, weight: gain, epsilon: Double(epsilon))
        #expect(largestDifference(out, root) <= 1e-5, "root mean square of \(count)")
      }
    }
  }

  @Test("a row of one value is normalised to its bias, zeros stay zeros", arguments: Tables.names)
  func constants(table: String) {
    let table = Tables.named(table)
    var noise = Noise(12)
    let bias = noise.floats(48)
    var out = [Float](repeating: 9, count: 48)
    table.layer_norm([Float](repeating: 3, count: 48), [Float](repeating: 1, count: 48), bias, 1e-5, &out, 48)
    #expect(out == bias)
    table.rms_norm([Float](repeating: 0, count: 48), bias, 1e-8, &out, 48)
    #expect(out.allSatisfy { $0 == 0 })
  }

  @Test("depthwise convolution is the sum it stands for", arguments: Tables.names, [true, false])
  func depthwise(table: String, hasBias: Bool) {
    let table = Tables.named(table)
    var noise = Noise(13)
    for (steps, channels, kernel) in [(1, 1, 1), (5, 3, 7), (4, 16, 7), (3, 37, 2)] {
      let (x, weight) = (noise.floats((steps + kernel - 1) * channels), noise.floats(kernel * channels))
      let bias = noise.floats(channels)
      var out = [Float](repeating: 9, count: steps * channels + 1)
      table.depthwise(x, weight, hasBias ? bias : nil, &out, steps, channels, kernel)
      let expected: [Float] = (0..<steps * channels).map { index in
        let (t, c) = (index / channels, index % channels)
        return (0..<kernel).reduce(hasBias ? bias[c] : 0) {
          $0 + weight[$1 * channels + c] * x[(t + $1) * channels + c]
        }
      }
      #expect(largestDifference(Array(out.dropLast()), expected) <= 1e-5)
      #expect(out.last == 9)
    }
  }

  @Test("the largest is the first of equals")
  func largest() {
    #expect(Kernels.largest([1, 3, 2, 3, 3], 5) == 1)
    #expect(Kernels.largest([-5, -5], 2) == 0)
    #expect(Kernels.largest([-.infinity, -2, -1], 3) == 2)
    #expect(Kernels.largest([7], 1) == 0)
    #expect(Kernels.largest([7], 0) == 0)
    #expect(Kernels.largest([0, 1, .nan, 2], 4) == 3)
  }
}
