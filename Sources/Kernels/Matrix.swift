internal import CKernels

/// A read-only matrix of weights, [rows, columns] with one row per output, in one of the stored forms.
package struct Matrix: @unchecked Sendable {
  /// How the weights lie in memory.
  package enum Format: Sendable {
    /// Row-major f32.
    case float
    /// Row-major bf16, as checkpoints store it.
    case bfloat
    /// f32 with sixteen rows interleaved: for products with many columns.
    case panels
    /// f16 with sixteen rows interleaved: half the memory; the arithmetic is still f32.
    case halfPanels
    /// 8 bits a weight, in blocks of 32 inputs (`QuantizedBlocks`).
    case q8
    /// 4 bits a weight, in blocks of 32 inputs.
    case q4
  }

  package let rows: Int
  package let columns: Int
  package let format: Format
  private let weights: UnsafeRawPointer
  // Keeps a mapped file or an allocation alive.
  private let owner: AnyObject

  /// - Parameters:
  ///   - weights: rows * columns elements of `format`, valid while `owner` lives.
  package init(
    rows: Int, columns: Int, format: Format, weights: UnsafeRawPointer, owner: AnyObject
  ) {
    self.rows = rows
    self.columns = columns
    self.format = format
    self.weights = weights
    self.owner = owner
  }

  /// Interleaves sixteen rows; `element(row, column)` gives each weight.
  ///
  /// - Parameter format: `panels` or `halfPanels`, which rounds to the nearest.
  package init(
    panelsOf rows: Int, _ columns: Int, as format: Format = .panels, _ element: (Int, Int) -> Float
  ) {
    precondition(format == .panels || format == .halfPanels)
    let storage = FloatStorage(count: Self.bytes(rows: rows, columns: columns, format) / 4)
    let halves = UnsafeMutableRawPointer(storage.base).assumingMemoryBound(to: UInt16.self)
    for row in 0..<rows {
      for column in 0..<columns {
        let place = Self.place(row, column, columns)
        let value = element(row, column)
        if format == .panels {
          storage.base[place] = value
        } else {
          halves[place] = ap_to_half(min(max(value, -65504), 65504))
        }
      }
    }
    self.init(rows: rows, columns: columns, format: format, weights: storage.base, owner: storage)
  }

  // Index of a weight in panels, in elements.
  private static func place(_ row: Int, _ column: Int, _ columns: Int) -> Int {
    (row / 16 * columns + column) * 16 + row % 16
  }

  /// Bytes read when every weight is used once.
  package var bytes: Int { Self.bytes(rows: rows, columns: columns, format) }

  static func bytes(rows: Int, columns: Int, _ format: Format) -> Int {
    switch format {
    case .float: rows * columns * 4
    case .bfloat: rows * columns * 2
    case .panels: (rows + 15) / 16 * 16 * columns * 4
    case .halfPanels: (rows + 15) / 16 * 16 * columns * 2
    case .q8: QuantizedBlocks(bits: 8, columns: columns).bytes(rows: rows)
    case .q4: QuantizedBlocks(bits: 4, columns: columns).bytes(rows: rows)
    }
  }

  /// y[c] = W x[c] (+ bias), or y[c] += W x[c] with `accumulate`, for `count` columns.
  ///
  /// - Parameters:
  ///   - x: columns of inputs, `xStride` floats apart; they may overlap.
  ///   - y: columns of outputs, `yStride` floats apart.
  ///   - bias: `rows` floats, or none.
  package func multiply(
    _ x: UnsafePointer<Float>, xStride: Int, into y: UnsafeMutablePointer<Float>, yStride: Int, count: Int,
    bias: UnsafePointer<Float>? = nil, accumulate: Bool = false, _ workers: Workers
  ) {
    workers.run(
      ap_product(
        weights: weights, bias: bias, x: x, y: y, rows: rows, depth: columns, columns: count,
        x_stride: xStride, y_stride: yStride, format: tag, accumulate: accumulate,
        rounded: nil))
  }

  private var tag: ap_format {
    switch format {
    case .float: AP_ROWS_F32
    case .bfloat: AP_ROWS_BF16
    case .panels: AP_PANELS_F32
    case .halfPanels: AP_PANELS_F16
    case .q8: AP_PANELS_Q8
    case .q4: AP_PANELS_Q4
    }
  }

  /// One weight; slow, for tests and for conversion.
  package subscript(row: Int, column: Int) -> Float {
    switch format {
    case .float: weights.loadUnaligned(fromByteOffset: (row * columns + column) * 4, as: Float.self)
    case .bfloat:
      Float(
        bitPattern: UInt32(
          weights.loadUnaligned(fromByteOffset: (row * columns + column) * 2, as: UInt16.self)) << 16)
    case .panels:
      weights.assumingMemoryBound(to: Float.self)[Self.place(row, column, columns)]
    case .halfPanels:
      ap_from_half(weights.assumingMemoryBound(to: UInt16.self)[Self.place(row, column, columns)])
    case .q8: QuantizedBlocks(bits: 8, columns: columns).weight(weights, row, column)
    case .q4: QuantizedBlocks(bits: 4, columns: columns).weight(weights, row, column)
    }
  }

  /// y += row `row` of the matrix. Embeddings are looked up this way.
  package func add(row: Int, to y: UnsafeMutablePointer<Float>) {
    precondition(row >= 0 && row < rows)
    switch format {
    case .bfloat:
      let source = weights + row * columns * 2
      for i in 0..<columns {
        y[i] += Float(bitPattern: UInt32(source.loadUnaligned(fromByteOffset: i * 2, as: UInt16.self)) << 16)
      }
    case .float:
      Kernels.table.pointee.add(y, (weights + row * columns * 4).assumingMemoryBound(to: Float.self), columns)
    case .panels, .halfPanels, .q8, .q4:
      for i in 0..<columns { y[i] += self[row, i] }
    }
  }
}
