import Kernels
import TestSupport
import Testing

struct MatrixTests {
  private static func matrices(_ rows: Int, _ columns: Int, _ noise: inout Noise) -> [Matrix] {
    let weights = noise.weights(rows * columns)
    let narrow = weights.map { UInt16($0.bitPattern >> 16) }
    // The owner keeps a copy of the elements alive, as a mapped file would.
    func stored<Element: BitwiseCopyable>(_ format: Matrix.Format, _ elements: [Element]) -> Matrix {
      let bytes = elements.count * MemoryLayout<Element>.size
      let storage = FloatStorage(count: (bytes + 3) / 4)
      elements.withUnsafeBytes {
        UnsafeMutableRawPointer(storage.base).copyMemory(from: $0.baseAddress!, byteCount: bytes)
      }
      return Matrix(rows: rows, columns: columns, format: format, weights: storage.base, owner: storage)
    }
    return [
      stored(.float, weights), stored(.bfloat, narrow),
      Matrix(panelsOf: rows, columns) { weights[$0 * columns + $1] },
      Matrix(panelsOf: rows, columns, as: .halfPanels) { weights[$0 * columns + $1] },
    ]
  }

  @Test("every format holds the same numbers, and multiplies as the reference does")
  func formats() {
    var noise = Noise(5)
    let matrices = Self.matrices(19, 23, &noise)
    let (x, bias) = (noise.floats(23), noise.floats(19))
    let workers = Workers(threads: 1)
    for matrix in matrices {
      for row in 0..<19 {
        for column in 0..<23 { #expect(matrix[row, column] == matrices[0][row, column]) }
      }
      var y = [Float](repeating: 0, count: 19)
      matrix.multiply(x, xStride: 23, into: &y, yStride: 19, count: 1, bias: bias, workers)
      #expect(largestDifference(y, Reference.product(matrix, x, bias: bias)) <= 1e-5)
    }
  }

  @Test("a row added to a vector is that row, in every format")
  func rows() {
    var noise = Noise(6)
    let start = noise.floats(23)
    for matrix in Self.matrices(19, 23, &noise) {
      for row in [0, 1, 15, 16, 18] {
        var y = start
        matrix.add(row: row, to: &y)
        #expect(y == (0..<23).map { start[$0] + matrix[row, $0] })
      }
    }
  }

  @Test("one to four threads give the same bits")
  func threads() {
    var noise = Noise(7)
    for matrix in Self.matrices(67, 40, &noise) {
      let x = noise.floats(3 * 40)
      let results = (1...4).map { threads in
        let workers = Workers(threads: threads)
        var y = [Float](repeating: 0, count: 3 * 67)
        matrix.multiply(x, xStride: 40, into: &y, yStride: 67, count: 3, workers)
        return y
      }
      #expect(results.allSatisfy { $0 == results[0] })
    }
  }
}
