internal import Dispatch
internal import Kernels
internal import Synchronization

/// A matrix that is being packed into blocks of 8 or 4 bits, some panels at a time.
struct PackedPart {
  let tensor: StoredTensor
  let rows: Int
  let columns: Int
  let rowOffset: Int
  let bits: Int

  static let rowsPerPanel = 16

  /// Rounding error.
  struct Loss: Sendable {
    /// Sum of squared differences.
    var difference = 0.0
    /// Sum of squared weights.
    var weight = 0.0
    var isFinite = true

    /// Root of the squared differences over that of the squared weights.
    var relative: Double { weight > 0 ? (difference / weight).squareRoot() : 0 }

    static func += (a: inout Loss, b: Loss) {
      a.difference += b.difference
      a.weight += b.weight
      a.isFinite = a.isFinite && b.isFinite
    }
  }

  private var layout: QuantizedBlocks { QuantizedBlocks(bits: bits, columns: columns) }
  var panels: Int { (rows + Self.rowsPerPanel - 1) / Self.rowsPerPanel }
  var panelBytes: Int { layout.bytes(rows: Self.rowsPerPanel) }

  /// Rounds panels in parallel on all processors.
  ///
  /// - Parameters:
  ///   - out: `panelBytes` bytes per panel.
  ///   - measured: whether to measure the loss; this costs about as much as the rounding.
  func pack(_ panels: Range<Int>, into out: UnsafeMutableRawPointer, measured: Bool) -> Loss {
    nonisolated(unsafe) let out = out
    let parts = Mutex([Loss](repeating: Loss(), count: panels.count))
    DispatchQueue.concurrentPerform(iterations: panels.count) { index in
      let loss = pack(panel: panels.lowerBound + index, into: out + index * panelBytes, measured: measured)
      parts.withLock { $0[index] = loss }
    }
    // Added up in the order of the panels, so that the sums do not depend on which finished first.
    return parts.withLock { $0.reduce(into: Loss()) { $0 += $1 } }
  }

  private func pack(panel: Int, into out: UnsafeMutableRawPointer, measured: Bool) -> Loss {
    let first = panel * Self.rowsPerPanel
    let count = min(Self.rowsPerPanel, rows - first)
    var loss = Loss()
    withUnsafeTemporaryAllocation(of: Float.self, capacity: count * columns) { values in
      let base = values.baseAddress!
      for row in 0..<count { tensor.read(row: rowOffset + first + row, columns, into: base + row * columns) }
      // A block can hold neither infinity nor NaN.
      loss.isFinite = values.allSatisfy { $0.isFinite }
      guard loss.isFinite else { return }
      layout.pack(rows: count, { base[$0 * columns + $1] }, into: out)
      guard measured else { return }
      let packed = Matrix(
        rows: count, columns: columns, format: bits == 8 ? .q8 : .q4, weights: out, owner: tensor.file)
      for row in 0..<count {
        for column in 0..<columns {
          let weight = Double(base[row * columns + column])
          let difference = weight - Double(packed[row, column])
          loss.difference += difference * difference
          loss.weight += weight * weight
        }
      }
    }
    return loss
  }

  /// The whole matrix, in memory of its own.
  func matrix(_ path: String, _ name: String) throws(CheckpointError) -> Matrix {
    let storage = FloatStorage(count: (panels * panelBytes + 3) / 4)
    guard pack(0..<panels, into: UnsafeMutableRawPointer(storage.base), measured: false).isFinite else {
      throw .notFinite(file: path, tensor: name)
    }
    return Matrix(
      rows: rows, columns: columns, format: bits == 8 ? .q8 : .q4, weights: storage.base, owner: storage)
  }
}

extension PackedCard.Tensor {
  /// Bytes of all parts; nil if the sizes are impossible.
  var bytes: Int? {
    // 2^40 rows are more than any file has, and few enough that the products below do not overflow.
    guard [4, 8].contains(bits), shape.count == 2, parts > 0, (1...1 << 40).contains(shape[0]),
      shape[0] % parts == 0,
      shape[1] > 0,
      QuantizedBlocks.fits(columns: shape[1])
    else { return nil }
    let (count, overflow) = QuantizedBlocks(bits: bits, columns: shape[1]).bytes(rows: shape[0] / parts)
      .multipliedReportingOverflow(by: parts)
    return overflow ? nil : count
  }
}
