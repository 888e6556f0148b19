internal import CKernels

/// The layout of weights in 8 or 4 bits: panels of sixteen rows, blocks of 32 inputs.
///
/// A block holds its weights with an offset (128 or 8), as the dot-product instructions want them, and then one
/// half-precision scale per row: 544 bytes in 8 bits, 288 in 4 (8.5 and 4.5 bits a weight). Q8: [8 groups][16 rows][4].
/// Q4: [4][16 rows][4], group g in the low half of a byte and group g + 4 in the high half.
package struct QuantizedBlocks: Sendable {
  package static let inputs = 32
  private let bits: Int
  private let columns: Int

  /// - Parameters:
  ///   - bits: 8 or 4.
  ///   - columns: inputs of a row, a multiple of 32.
  package init(bits: Int, columns: Int) {
    precondition(bits == 8 || bits == 4)
    self.bits = bits
    self.columns = columns
  }

  /// Whether a matrix with this many columns can be stored in blocks.
  package static func fits(columns: Int) -> Bool { columns % inputs == 0 && columns <= Int(AP_MAX_DEPTH) }

  private var blockBytes: Int { Self.inputs * 16 * bits / 8 + 32 }
  private var blocks: Int { columns / Self.inputs }

  package func bytes(rows: Int) -> Int { (rows + 15) / 16 * blocks * blockBytes }

  /// Where the weight of a row of the panel and an input of the block lies: byte, and shift inside it.
  private func place(_ row: Int, _ input: Int) -> (byte: Int, shift: Int) {
    let group = input / 4
    if bits == 8 { return (group * 64 + row * 4 + input % 4, 0) }
    return (group % 4 * 64 + row * 4 + input % 4, group < 4 ? 0 : 4)
  }

  /// One weight, as a product sees it.
  func weight(_ base: UnsafeRawPointer, _ row: Int, _ column: Int) -> Float {
    let block = base + (row / 16 * blocks + column / Self.inputs) * blockBytes
    let (byte, shift) = place(row % 16, column % Self.inputs)
    let stored = block.load(fromByteOffset: byte, as: UInt8.self)
    let scale = ap_from_half(
      block.loadUnaligned(fromByteOffset: blockBytes - 32 + row % 16 * 2, as: UInt16.self))
    return scale * (bits == 8 ? Float(stored) - 128 : Float(stored >> UInt8(shift) & 15) - 8)
  }

  /// Quantizes one panel of sixteen rows; missing rows become zero.
  ///
  /// - Parameters:
  ///   - rows: rows of the panel that exist, up to sixteen.
  ///   - element: (row of the panel, input) -> weight.
  ///   - panel: `bytes(rows: 16)` bytes.
  package func pack(rows: Int, _ element: (Int, Int) -> Float, into panel: UnsafeMutableRawPointer) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: Self.inputs) { values in
      for index in 0..<blocks {
        let block = panel + index * blockBytes
        let offset: UInt8 = bits == 8 ? 128 : 0x88
        block.initializeMemory(as: UInt8.self, repeating: offset, count: blockBytes - 32)
        for row in 0..<16 {
          for input in 0..<Self.inputs {
            values[input] = row < rows ? element(row, index * Self.inputs + input) : 0
          }
          let scale = bestScale(UnsafeBufferPointer(values))
          block.storeBytes(of: ap_to_half(scale), toByteOffset: blockBytes - 32 + row * 2, as: UInt16.self)
          for input in 0..<Self.inputs {
            let level = round(values[input], scale)
            let (byte, shift) = place(row, input)
            if bits == 8 {
              block.storeBytes(of: UInt8(level + 128), toByteOffset: byte, as: UInt8.self)
            } else {
              let old = block.load(fromByteOffset: byte, as: UInt8.self) & (shift == 0 ? 0xF0 : 0x0F)
              block.storeBytes(of: old | UInt8(level + 8) << UInt8(shift), toByteOffset: byte, as: UInt8.self)
            }
          }
        }
      }
    }
  }

  private func round(_ value: Float, _ scale: Float) -> Int32 {
    guard scale != 0 else { return 0 }
    let level = (value / scale).rounded(.toNearestOrEven)
    return bits == 8 ? Int32(min(max(level, -127), 127)) : Int32(min(max(level, -8), 7))
  }

  // In 8 bits the largest weight sets the scale. In 4 bits several scales are tried, which put the largest
  // weight on an outermost level or near it; the one with the smallest squared error is kept.
  private func bestScale(_ values: UnsafeBufferPointer<Float>) -> Float {
    var top: Float = 0
    for value in values where abs(value) > abs(top) { top = value }
    guard top != 0 else { return 0 }
    if bits == 8 { return ap_from_half(ap_to_half(abs(top) / 127)) }
    var (best, least) = (Float(0), Float.infinity)
    for divisor: Float in [-8, -8.6, -7.4, 7, 7.6] {
      let scale = ap_from_half(ap_to_half(top / divisor))
      var error: Float = 0
      for value in values {
        let difference = value - scale * Float(round(value, scale))
        error += difference * difference
      }
      if error < least { (best, least) = (scale, error) }
    }
    return best
  }
}

extension Matrix {
  /// The same matrix in 8 or 4 bits; `columns` must fit (`QuantizedBlocks.fits`).
  package func quantized(bits: Int) -> Matrix {
    precondition(QuantizedBlocks.fits(columns: columns))
    let layout = QuantizedBlocks(bits: bits, columns: columns)
    let storage = FloatStorage(count: (layout.bytes(rows: rows) + 3) / 4)
    let panelBytes = layout.bytes(rows: 16)
    for first in stride(from: 0, to: rows, by: 16) {
      layout.pack(
        rows: min(16, rows - first), { self[first + $0, $1] },
        into: UnsafeMutableRawPointer(storage.base) + first / 16 * panelBytes)
    }
    return Matrix(
      rows: rows, columns: columns, format: bits == 8 ? .q8 : .q4, weights: storage.base, owner: storage)
  }
}
