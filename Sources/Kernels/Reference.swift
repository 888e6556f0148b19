internal import Foundation

/// Reference implementations of the kernels, in Double where precision matters, for tests to compare with.
package enum Reference {
  /// y = W x (+ bias) for one column.
  package static func product(_ matrix: Matrix, _ x: [Float], bias: [Float]? = nil) -> [Float] {
    (0..<matrix.rows).map { row in
      var sum = Double(bias?[row] ?? 0)
      for k in 0..<matrix.columns { sum += Double(matrix[row, k]) * Double(x[k]) }
      return Float(sum)
    }
  }

  package static func elu(_ x: Float) -> Float { x > 0 ? x : Float(expm1(Double(x))) }

  /// Exact GELU: x times the normal distribution function.
  package static func gelu(_ x: Float) -> Float {
    Float(0.5 * Double(x) * erfc(-Double(x) / 2.0.squareRoot()))
  }

  package static func silu(_ x: Float) -> Float { Float(Double(x) / (1 + exp(-Double(x)))) }

  package static func softmax(_ x: [Float]) -> [Float] {
    let top = Double(x.max() ?? 0)
    let powers = x.map { exp(Double($0) - top) }
    let sum = powers.reduce(0, +)
    return powers.map { Float($0 / sum) }
  }

  package static func layerNorm(_ x: [Float], weight: [Float], bias: [Float], epsilon: Double) -> [Float] {
    let mean = x.reduce(0.0) { $0 + Double($1) } / Double(x.count)
    let variance = x.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(x.count)
    return x.indices.map {
      Float(
        (Double(x[$0]) - mean) / (variance + epsilon).squareRoot() * Double(weight[$0]) + Double(bias[$0]))
    }
  }

  package static func rmsNorm(_ x: [Float], weight: [Float], epsilon: Double) -> [Float] {
    let square = x.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(x.count)
    return x.indices.map { Float(Double(x[$0]) * Double(weight[$0]) / (square + epsilon).squareRoot()) }
  }

  /// One query over `keys` and `values`, rows of one head.
  package static func attention(query: [Float], keys: [[Float]], values: [[Float]], scale: Float) -> [Float] {
    let scores = softmax(
      keys.map { key in Float(zip(query, key).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }) * scale })
    return query.indices.map { d in
      Float(zip(scores, values).reduce(0.0) { $0 + Double($1.0) * Double($1.1[d]) })
    }
  }
}
