import CKernels
import Kernels
import TestSupport

/// The function tables that this machine can run.
enum Tables {
  static let names = ["plain", "avx2", "avx512", "dotprod"].filter { (name: String) in
    ap_table_named(name) != nil
  }

  static func named(_ name: String) -> ap_table { ap_table_named(name)!.pointee }
}

extension ap_format {
  static let all = [AP_ROWS_F32, AP_ROWS_BF16, AP_PANELS_F32, AP_PANELS_F16]
}

/// Weights laid out as a product reads them. They are exact in bf16, so that every format holds the same numbers.
struct PackedWeights {
  private let bytes: [UInt8]

  /// - Parameter weights: [rows][stride], of which the first `depth` columns are taken.
  init(_ format: ap_format, _ weights: [Float], rows: Int, depth: Int, stride: Int) {
    func element(_ row: Int, _ column: Int) -> Float { weights[row * stride + column] }
    switch format {
    case AP_ROWS_BF16:
      bytes = Self.bytes(
        (0..<rows).flatMap { row in (0..<depth).map { UInt16(element(row, $0).bitPattern >> 16) } })
    case AP_ROWS_F32:
      bytes = Self.bytes((0..<rows).flatMap { row in (0..<depth).map { element(row, $0) } })
    case AP_PANELS_F16:
      bytes = Self.bytes(
        (0..<(rows + 15) / 16).flatMap { panel in
          (0..<depth * 16).map { index -> UInt16 in
            let row = panel * 16 + index % 16
            return row < rows ? ap_to_half(element(row, index / 16)) : 0
          }
        })
    default:
      bytes = Self.bytes(
        (0..<(rows + 15) / 16).flatMap { panel in
          (0..<depth * 16).map { index -> Float in
            let row = panel * 16 + index % 16
            return row < rows ? element(row, index / 16) : 0
          }
        })
    }
  }

  private static func bytes<Element>(_ elements: [Element]) -> [UInt8] {
    elements.withUnsafeBytes { Array($0) }
  }

  func withUnsafePointer<Result>(_ body: (UnsafeRawPointer) -> Result) -> Result {
    bytes.withUnsafeBytes { body($0.baseAddress!) }
  }
}

/// One product, shared out over `parts` as threads would.
struct Product {
  var format: ap_format
  var rows: Int
  var depth: Int
  var columns: Int
  var xStride: Int
  /// Columns of y lie this far apart; what lies between them must stay as it is.
  var yStride: Int
  var bias: [Float]?
  var accumulate = false
  var parts = 1

  func run(_ table: ap_table, _ weights: PackedWeights, _ x: [Float], into y: inout [Float]) {
    precondition(x.count >= (columns - 1) * xStride + depth && y.count >= columns * yStride)
    weights.withUnsafePointer { weights in
      y.withUnsafeMutableBufferPointer { y in
        x.withUnsafeBufferPointer { x in
          (bias ?? [0]).withUnsafeBufferPointer { bias in
            var job = ap_product(
              weights: weights, bias: self.bias == nil ? nil : bias.baseAddress, x: x.baseAddress,
              y: y.baseAddress,
              rows: rows, depth: depth, columns: columns, x_stride: xStride, y_stride: yStride,
              format: format,
              accumulate: accumulate, rounded: nil)
            for part in 0..<parts { table.product(&job, part, parts) }
          }
        }
      }
    }
  }
}

extension Noise {
  /// Floats in [-1, 1) that bf16 holds exactly.
  mutating func weights(_ count: Int) -> [Float] {
    floats(count).map { Float(bitPattern: $0.bitPattern & 0xFFFF_0000) }
  }
}
