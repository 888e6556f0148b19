import CKernels
import Kernels
import TestSupport
import Testing

/// Weights of 8 and 4 bits: rounding, and products of every instruction set with them.
struct QuantizedProductTests {
  private static func pack(_ weights: [Float], bits: Int, rows: Int, depth: Int) -> [UInt8] {
    let layout = QuantizedBlocks(bits: bits, columns: depth)
    var bytes = [UInt8](repeating: 0, count: layout.bytes(rows: rows))
    bytes.withUnsafeMutableBytes { bytes in
      for first in stride(from: 0, to: rows, by: 16) {
        layout.pack(
          rows: min(16, rows - first), { weights[(first + $0) * depth + $1] },
          into: bytes.baseAddress! + first / 16 * layout.bytes(rows: 16))
      }
    }
    return bytes
  }

  private static func product(
    _ table: ap_table, _ weights: [UInt8], bits: Int, rows: Int, depth: Int, _ x: [Float], parts: Int
  ) -> [Float] {
    let columns = x.count / depth
    var y = [Float](repeating: 0, count: columns * rows)
    weights.withUnsafeBytes { weights in
      x.withUnsafeBufferPointer { x in
        y.withUnsafeMutableBufferPointer { y in
          var job = ap_product(
            weights: weights.baseAddress, bias: nil, x: x.baseAddress, y: y.baseAddress, rows: rows,
            depth: depth,
            columns: columns, x_stride: depth, y_stride: rows,
            format: bits == 8 ? AP_PANELS_Q8 : AP_PANELS_Q4,
            accumulate: false, rounded: nil)
          for part in 0..<parts { table.product(&job, part, parts) }
        }
      }
    }
    return y
  }

  @Test(
    "products equal the plain table's, on odd rows and any number of columns and parts",
    arguments: Tables.names,
    [(8, 1, 32, 1), (8, 35, 64, 5), (4, 16, 32, 2), (4, 47, 160, 7), (4, 33, 96, 4), (8, 64, 512, 3)])
  func tables(name: String, sizes: (bits: Int, rows: Int, depth: Int, columns: Int)) {
    var noise = Noise(21)
    let weights = noise.floats(sizes.rows * sizes.depth)
    let packed = Self.pack(weights, bits: sizes.bits, rows: sizes.rows, depth: sizes.depth)
    func multiply(_ table: String, _ x: [Float], parts: Int) -> [Float] {
      Self.product(
        Tables.named(table), packed, bits: sizes.bits, rows: sizes.rows, depth: sizes.depth, x, parts: parts)
    }
    let x = noise.floats(sizes.columns * sizes.depth)
    let ours = multiply(name, x, parts: 3)
    // Sums of a block are exact integers everywhere; only their scaled sum is rounded, fused or not.
    #expect(largestDifference(ours, multiply("plain", x, parts: 1)) <= 1e-5 * Float(sizes.depth).squareRoot())
    // One column alone is the same to the last bit.
    for column in 0..<sizes.columns {
      let single = multiply(name, Array(x[column * sizes.depth..<(column + 1) * sizes.depth]), parts: 1)
      #expect(single == Array(ours[column * sizes.rows..<(column + 1) * sizes.rows]))
    }
    // And it is the product with the rounded weights and inputs of 8 bits: within a percent or so of the exact one.
    let exact = Matrix(panelsOf: sizes.rows, sizes.depth) { weights[$0 * sizes.depth + $1] }.quantized(
      bits: sizes.bits)
    for column in 0..<sizes.columns {
      let truth = Reference.product(exact, Array(x[column * sizes.depth..<(column + 1) * sizes.depth]))
      let mine = Array(ours[column * sizes.rows..<(column + 1) * sizes.rows])
      #expect(largestDifference(mine, truth) <= 0.02 * Float(sizes.depth).squareRoot())
    }
  }

  @Test(
    "integer parts are equal to the last bit in every instruction set, one to seventeen columns, odd rows and tails",
    arguments: Tables.names, [8, 4])
  func integers(name: String, bits: Int) {
    var noise = Noise(23)
    for (rows, depth) in [(1, 32), (15, 64), (16, 96), (17, 160), (35, 512)] {
      // Whole numbers that reach the outermost level in every block: scales are one, and every sum is exact.
      let top: Float = bits == 8 ? 127 : -8
      let weights = noise.floats(rows * depth).enumerated().map {
        $0.offset % 32 == 3 ? top : ($0.element * (abs(top) - 1)).rounded()
      }
      let packed = Self.pack(weights, bits: bits, rows: rows, depth: depth)
      for columns in 1...17 {
        let x = noise.floats(columns * depth).enumerated().map {
          $0.offset % 32 == 9 ? 127 : ($0.element * 126).rounded()
        }
        let y = Self.product(
          Tables.named(name), packed, bits: bits, rows: rows, depth: depth, x, parts: columns % 3 + 1)
        for column in 0..<columns {
          for row in 0..<rows {
            var sum = 0
            for k in 0..<depth { sum += Int(weights[row * depth + k]) * Int(x[column * depth + k]) }
            #expect(y[column * rows + row] == Float(sum))
          }
        }
      }
    }
  }

  @Test(
    "inputs are rounded alike in every instruction set, halves between two levels too",
    arguments: Tables.names)
  func rounding(name: String) {
    var noise = Noise(24)
    var x = noise.floats(256)
    for i in 0..<32 { x[i] = Float(i) - 15.5 }
    x[7] = 127
    for i in 64..<96 { x[i] = 0 }
    func rounded(_ table: ap_table) -> ([Int8], [Float], [Int32]) {
      var bytes = [Int8](repeating: 0, count: 256)
      var (scales, sums) = ([Float](repeating: 0, count: 8), [Int32](repeating: 0, count: 8))
      bytes.withUnsafeMutableBufferPointer { bytes in
        scales.withUnsafeMutableBufferPointer { scales in
          sums.withUnsafeMutableBufferPointer { sums in
            var out = ap_rounded(
              bytes: bytes.baseAddress, scales: scales.baseAddress, sums: sums.baseAddress)
            table.round(x, 128, 128, 2, &out)
          }
        }
      }
      return (bytes, scales, sums)
    }
    #expect(rounded(Tables.named(name)) == rounded(Tables.named("plain")))
  }

  @Test("a rounded weight is within half a step of the weight", arguments: [8, 4])
  func rounding(bits: Int) {
    var noise = Noise(22)
    let (rows, depth) = (20, 96)
    let weights = noise.floats(rows * depth)
    let exact = Matrix(panelsOf: rows, depth) { weights[$0 * depth + $1] }
    let rounded = exact.quantized(bits: bits)
    for row in 0..<rows {
      for block in 0..<depth / 32 {
        let values = (0..<32).map { weights[row * depth + block * 32 + $0] }
        let top = values.map(abs).max()!
        // Half a step; in 4 bits also what the best scale cuts off at the end that has one level less.
        let limit = bits == 8 ? top / 127 * 0.51 : top * 0.2
        for (i, value) in values.enumerated() {
          #expect(abs(rounded[row, block * 32 + i] - value) <= limit)
        }
      }
    }
    #expect(rounded.bytes == (rows + 15) / 16 * (depth / 32) * (bits == 8 ? 544 : 288))
  }

  @Test("halves convert exactly there and back")
  func halves() {
    for bits in UInt16(0)...UInt16.max where bits & 0x7C00 != 0x7C00 {
      #expect(ap_to_half(ap_from_half(bits)) == bits)
      #expect(ap_from_half(bits) == Float(Float16(bitPattern: bits)))
    }
  }
}
