import CKernels
import Kernels
import TestSupport
import Testing

/// Every format of weights in every instruction set against sums in Double.
struct ProductTests {
  private static let (rows, depth, columns) = (35, 70, 14)
  private static let untouched: Float = 12345

  /// Sums over the first k of 70 inputs, for every row, column and k; with the sums of magnitudes for the tolerance.
  private struct Truth {
    let weights: [Float]
    let x: [Float]
    let xStride: Int
    private var sums: [(value: Double, size: Double)] = []

    init(xStride: Int) {
      var noise = Noise(1)
      weights = noise.weights(rows * ProductTests.depth)
      x = noise.floats((columns - 1) * xStride + ProductTests.depth)
      self.xStride = xStride
      for row in 0..<rows {
        for column in 0..<columns {
          var (value, size) = (0.0, 0.0)
          for k in 0..<ProductTests.depth {
            let term = Double(weights[row * ProductTests.depth + k]) * Double(x[column * xStride + k])
            value += term
            size += abs(term)
            sums.append((value, size))
          }
        }
      }
    }

    func callAsFunction(_ row: Int, _ column: Int, depth: Int) -> (value: Double, size: Double) {
      sums[(row * columns + column) * ProductTests.depth + depth - 1]
    }
  }

  // Every depth with rows around the sizes of tiles, and every number of rows with depths around those of registers.
  private static let sizes: [(rows: Int, depth: Int)] =
    [1, 2, 15, 16, 17, 35].flatMap { rows in (1...70).map { (rows, $0) } }
    + [1, 7, 8, 9, 16, 31, 33, 64, 70].flatMap { depth in (1...35).map { ($0, depth) } }

  @Test(
    "a product of any size is the sum it stands for, and writes nothing else",
    arguments: Tables.names, ap_format.all.map(\.rawValue))
  func sizes(table: String, format: UInt32) {
    let (table, format) = (Tables.named(table), ap_format(format))
    // Columns apart, and columns that overlap as a convolution's windows do.
    for truth in [Truth(xStride: 73), Truth(xStride: 3)] {
      for (index, size) in Self.sizes.enumerated() {
        let product = Product(
          format: format, rows: size.rows, depth: size.depth, columns: index % Self.columns + 1,
          xStride: truth.xStride, yStride: size.rows + 2)
        let weights = PackedWeights(
          format, truth.weights, rows: size.rows, depth: size.depth, stride: Self.depth)
        var y = [Float](repeating: Self.untouched, count: product.columns * product.yStride + 1)
        product.run(table, weights, truth.x, into: &y)
        var worst = 0.0
        var spared = true
        for column in 0..<product.columns {
          for row in 0..<size.rows {
            let (value, magnitude) = truth(row, column, depth: size.depth)
            worst = max(
              worst, abs(Double(y[column * product.yStride + row]) - value) / (1e-6 * (1 + magnitude)))
          }
          for gap in size.rows..<product.yStride {
            spared = spared && y[column * product.yStride + gap] == Self.untouched
          }
        }
        #expect(worst < 1, "\(size)")
        #expect(spared && y.last == Self.untouched, "\(size)")
      }
    }
  }

  @Test(
    "a bias is added once, and accumulation adds to what is there",
    arguments: Tables.names, ap_format.all.map(\.rawValue))
  func additions(table: String, format: UInt32) {
    let (table, format) = (Tables.named(table), ap_format(format))
    var noise = Noise(2)
    for rows in [1, 2, 16, 19, 33] {
      let weights = noise.weights(rows * 21)
      let (bias, x, before) = (noise.floats(rows), noise.floats(5 * 21), noise.floats(5 * rows))
      let packed = PackedWeights(format, weights, rows: rows, depth: 21, stride: 21)
      var product = Product(format: format, rows: rows, depth: 21, columns: 5, xStride: 21, yStride: rows)
      var plain = before
      product.run(table, packed, x, into: &plain)
      product.bias = bias
      var biased = before
      product.run(table, packed, x, into: &biased)
      product.accumulate = true
      var both = before
      product.run(table, packed, x, into: &both)
      let expected = plain.indices.map { plain[$0] + bias[$0 % rows] }
      #expect(largestDifference(biased, expected) <= 1e-6)
      #expect(largestDifference(both, zip(before, expected).map { $0 + $1 }) <= 2e-6)
    }
  }

  @Test(
    "a column's result does not depend on the columns beside it, to the last bit",
    arguments: Tables.names, ap_format.all.map(\.rawValue))
  func columns(table: String, format: UInt32) {
    let (table, format) = (Tables.named(table), ap_format(format))
    var noise = Noise(3)
    for (rows, depth) in [(35, 70), (32, 64), (17, 33), (1, 5)] {
      let weights = PackedWeights(
        format, noise.weights(rows * depth), rows: rows, depth: depth, stride: depth)
      let x = noise.floats(14 * depth)
      var product = Product(
        format: format, rows: rows, depth: depth, columns: 1, xStride: depth, yStride: rows,
        bias: noise.floats(rows))
      let single: [Float] = (0..<14).flatMap { column in
        var y = [Float](repeating: 0, count: rows)
        product.run(table, weights, Array(x[column * depth..<(column + 1) * depth]), into: &y)
        return y
      }
      for columns in 1...14 {
        product.columns = columns
        var y = [Float](repeating: 0, count: columns * rows)
        product.run(table, weights, x, into: &y)
        #expect(y == Array(single.prefix(columns * rows)), "\(rows) rows, depth \(depth), \(columns) columns")
      }
    }
  }

  @Test(
    "the result does not depend on how many threads share it, to the last bit",
    arguments: Tables.names, ap_format.all.map(\.rawValue))
  func parts(table: String, format: UInt32) {
    let (table, format) = (Tables.named(table), ap_format(format))
    var noise = Noise(4)
    for rows in [1, 2, 3, 16, 31, 35, 64] {
      let weights = PackedWeights(format, noise.weights(rows * 37), rows: rows, depth: 37, stride: 37)
      let x = noise.floats(4 * 37)
      var product = Product(format: format, rows: rows, depth: 37, columns: 4, xStride: 37, yStride: rows)
      var whole = [Float](repeating: 0, count: 4 * rows)
      product.run(table, weights, x, into: &whole)
      for parts in 2...5 {
        product.parts = parts
        var y = [Float](repeating: 0, count: 4 * rows)
        product.run(table, weights, x, into: &y)
        #expect(y == whole, "\(rows) rows in \(parts) parts")
      }
    }
  }
}
