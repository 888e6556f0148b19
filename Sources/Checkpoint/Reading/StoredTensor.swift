internal import Kernels

/// One tensor of a mapped file, in whatever form the file stores its numbers.
package struct StoredTensor: @unchecked Sendable {
  /// How the numbers are stored.
  package enum Form: Sendable, Equatable {
    case plain(ElementType)
    /// GGUF Q8_0: for every 32 numbers of a row, a half-precision scale and 32 signed bytes.
    case blocks
    /// MLX: unsigned integers of 4 or 8 bits in 32-bit words, lowest first; scale * q + bias, with a scale and a bias
    /// per group.
    case affine
    /// Ours: parts of `QuantizedBlocks`, one after the other, each with this many rows.
    case packed(bits: Int, rowsPerPart: Int)
    /// A type that this version does not support, by its name.
    case unknown(String)
  }

  /// Scales and biases of `affine`, [rows][groups].
  struct Groups {
    let scales: UnsafeRawBufferPointer
    let biases: UnsafeRawBufferPointer
    let count: Int
    let type: ElementType
    // Keep the bytes mapped: a matrix and its scales may lie in different shards.
    let files: [MappedFile]
  }

  /// Its name in the file.
  package let name: String
  package let form: Form
  /// Dimensions in numbers; for `affine`, rows and 32-bit words, because the words do not tell how many numbers they
  /// hold.
  package let shape: [Int]
  let bytes: UnsafeRawBufferPointer
  var groups: Groups?
  let file: MappedFile

  package static let inputsPerBlock = 32
  private static let bytesPerBlock = 34

  /// Bytes in the file, including scales and biases.
  package var byteCount: Int { bytes.count + (groups.map { $0.scales.count + $0.biases.count } ?? 0) }

  /// Whether the tensor has these rows and columns; 1x1 convolutions have a third dimension of size one.
  func fits(_ rows: Int, _ columns: Int) -> Bool {
    if form == .affine { return shape.first == rows && affineBits(columns) != nil }
    return shape == [rows, columns] || shape == [rows, columns, 1]
  }

  /// Whether every row can be read as floats.
  var hasFloats: Bool {
    switch form {
    case .plain(let type): [.float32, .bfloat16, .float16].contains(type)
    case .blocks, .affine: true
    case .packed, .unknown: false
    }
  }

  /// The type as error messages name it.
  package var typeName: String {
    switch form {
    case .plain(let type): type.rawValue
    case .blocks: "Q8_0"
    case .affine: "MLX"
    case .packed(let bits, _): "Q\(bits)"
    case .unknown(let name): name
    }
  }

  private func affineBits(_ columns: Int) -> Int? {
    guard let groups, shape.count == 2, columns > 0, groups.count > 0, columns % groups.count == 0 else {
      return nil
    }
    return [4, 8].first { shape[1] * 32 == columns * $0 }
  }

  /// Reads one row of `columns` numbers. The caller has checked `fits` and `hasFloats`.
  func read(row: Int, _ columns: Int, into out: UnsafeMutablePointer<Float>) {
    switch form {
    case .plain(let type): Self.read(bytes, type, from: row * columns, columns, into: out)
    case .blocks:
      let count = columns / Self.inputsPerBlock
      for block in 0..<count {
        let start = (row * count + block) * Self.bytesPerBlock
        let scale = Float(bytes.loadUnaligned(fromByteOffset: start, as: Float16.self))
        for i in 0..<Self.inputsPerBlock {
          out[block * Self.inputsPerBlock + i] = scale * Float(Int8(bitPattern: bytes[start + 2 + i]))
        }
      }
    case .affine:
      guard let groups, let bits = affineBits(columns) else { return }
      let (perWord, mask) = (32 / bits, UInt32(1) << UInt32(bits) - 1)
      withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * groups.count) { group in
        let (scales, biases) = (group.baseAddress!, group.baseAddress! + groups.count)
        Self.read(groups.scales, groups.type, from: row * groups.count, groups.count, into: scales)
        Self.read(groups.biases, groups.type, from: row * groups.count, groups.count, into: biases)
        let size = columns / groups.count
        for word in 0..<shape[1] {
          let packed = bytes.loadUnaligned(fromByteOffset: (row * shape[1] + word) * 4, as: UInt32.self)
          for i in 0..<perWord {
            let column = word * perWord + i
            let q = Float(packed >> UInt32(i * bits) & mask)
            out[column] = scales[column / size] * q + biases[column / size]
          }
        }
      }
    case .packed, .unknown: preconditionFailure("these tensors are not read as floats")
    }
  }

  private static func read(
    _ bytes: UnsafeRawBufferPointer, _ type: ElementType, from first: Int, _ count: Int,
    into out: UnsafeMutablePointer<Float>
  ) {
    switch type {
    case .bfloat16:
      for i in 0..<count {
        out[i] = Float(
          bitPattern: UInt32(bytes.loadUnaligned(fromByteOffset: (first + i) * 2, as: UInt16.self)) << 16)
      }
    case .float16:
      for i in 0..<count {
        out[i] = Float(bytes.loadUnaligned(fromByteOffset: (first + i) * 2, as: Float16.self))
      }
    default:
      for i in 0..<count { out[i] = bytes.loadUnaligned(fromByteOffset: (first + i) * 4, as: Float.self) }
    }
  }

  /// The bytes of `count` rows from `first` on, to be released after use.
  func bytes(rows first: Int, _ count: Int, of rows: Int) -> UnsafeRawBufferPointer {
    let perRow = bytes.count / max(rows, 1)
    return UnsafeRawBufferPointer(rebasing: bytes[first * perRow..<(first + count) * perRow])
  }

  /// A matrix as it lies in the file: plain F32 or BF16, or packed; nil for other forms.
  func mapped(rows: Int, _ columns: Int, rowOffset: Int) -> Matrix? {
    switch form {
    case .plain(.float32):
      return matrix(.float, rows, columns, at: rowOffset * columns * 4, rows * columns * 4, alignment: 4)
    case .plain(.bfloat16):
      return matrix(.bfloat, rows, columns, at: rowOffset * columns * 2, rows * columns * 2, alignment: 2)
    case .packed(let bits, let rowsPerPart):
      guard rowsPerPart == rows else { return nil }
      let part = QuantizedBlocks(bits: bits, columns: columns).bytes(rows: rows)
      return matrix(bits == 8 ? .q8 : .q4, rows, columns, at: rowOffset / rows * part, part, alignment: 2)
    default: return nil
    }
  }

  /// A range of the bytes. The format does not guarantee that numbers are aligned to their size, but products require
  /// it, so unaligned data is copied.
  private func matrix(
    _ format: Matrix.Format, _ rows: Int, _ columns: Int, at offset: Int, _ count: Int, alignment: UInt
  ) -> Matrix {
    let base = bytes.baseAddress! + offset
    guard UInt(bitPattern: base) % alignment != 0 else {
      return Matrix(rows: rows, columns: columns, format: format, weights: base, owner: file)
    }
    let copy = FloatStorage(count: (count + 3) / 4)
    UnsafeMutableRawPointer(copy.base).copyMemory(from: base, byteCount: count)
    return Matrix(rows: rows, columns: columns, format: format, weights: copy.base, owner: copy)
  }

  /// The numbers of some rows, copied as floats.
  func widened(rows: Int, _ columns: Int, rowOffset: Int) -> Matrix {
    let storage = FloatStorage(count: rows * columns)
    for row in 0..<rows { read(row: rowOffset + row, columns, into: storage.base + row * columns) }
    return Matrix(rows: rows, columns: columns, format: .float, weights: storage.base, owner: storage)
  }
}

extension Safetensors {
  /// The tensors by name; the scales and biases of an MLX matrix belong to that matrix.
  func stored(_ card: PackedCard? = nil) -> [String: StoredTensor] {
    var result: [String: StoredTensor] = [:]
    for (name, entry) in entries {
      let stem = name.hasSuffix(".weight") ? String(name.dropLast(".weight".count)) : name
      var (form, shape, groups) = (
        entry.type.map { StoredTensor.Form.plain($0) } ?? .unknown(entry.typeName), entry.shape,
        StoredTensor.Groups?.none
      )
      if let packed = card?.tensors[name] {
        form = .packed(bits: packed.bits, rowsPerPart: packed.shape[0] / packed.parts)
        shape = packed.shape
      } else if entry.type == .uint32, let scales = entries[stem + ".scales"],
        let biases = entries[stem + ".biases"],
        entry.shape.count == 2, scales.shape == biases.shape, scales.shape.count == 2,
        scales.shape[0] == entry.shape[0], scales.type == biases.type, let type = scales.type,
        [.float32, .float16, .bfloat16].contains(type)
      {
        form = .affine
        groups = StoredTensor.Groups(
          scales: bytes(scales), biases: bytes(biases), count: scales.shape[1], type: type,
          files: [scales.file, biases.file])
      }
      result[name] = StoredTensor(
        name: name, form: form, shape: shape, bytes: bytes(entry), groups: groups, file: entry.file)
    }
    for (name, tensor) in result where tensor.form == .affine {
      let stem = String(name.dropLast(".weight".count))
      result[stem + ".scales"] = nil
      result[stem + ".biases"] = nil
    }
    return result
  }
}
