package import Kernels

/// A model's tensors by name, whatever the names' layout, as typed weights; a wrong one is a `CheckpointError`.
package struct Checkpoint: Sendable {
  package let file: Safetensors
  /// Our name of each tensor -> the file's name.
  private let names: [String: String]

  /// What products read.
  package enum Weights: Sendable, Equatable {
    /// The matrices as they lie in the mapped file.
    case mapped
    /// Copies in panels of f32, on large pages: faster for weights that every frame reads, at the price of memory.
    case panels
    /// The same in f16: half of that memory.
    case halfPanels
    /// Copies of 8 or 4 bits a weight, of every matrix that fits.
    case quantized(bits: Int)
    /// Numbers of no meaning in place of the file's, of 8 or 4 bits or bf16 where nil: for measuring shapes.
    case random(bits: Int?)
  }

  let weights: Weights

  /// The form of matrices that are always copied into panels, such as convolutions.
  package var panelFormat: Matrix.Format { weights == .halfPanels ? .halfPanels : .panels }

  /// - Parameters:
  ///   - weights: what products read.
  ///   - rename: the file's name -> the name our code asks for, or nil to hide the tensor.
  package init(_ file: Safetensors, weights: Weights = .mapped, rename: (String) -> String? = { $0 }) {
    self.file = file
    self.weights = weights
    var names: [String: String] = [:]
    for name in file.entries.keys {
      if let ours = rename(name) { names[ours] = name }
    }
    self.names = names
  }

  package var path: String { file.path }

  /// The tensors below a prefix: `scope("encoder")["model.0"].vector("bias", 64)`.
  package func scope(_ prefix: String) -> Scope { Scope(checkpoint: self, prefix: prefix) }

  /// Number of tensors whose name starts with `prefix`.
  package func count(prefix: String) -> Int { names.keys.count { $0.hasPrefix(prefix) } }

  package func has(_ name: String) -> Bool { names[name] != nil }

  package func shape(_ name: String) throws(CheckpointError) -> [Int] { try entry(name).shape }

  func entry(_ name: String) throws(CheckpointError) -> Safetensors.Entry {
    guard let fileName = names[name], let entry = file.entries[fileName] else {
      throw .missingTensor(file: path, tensor: name, present: names.count)
    }
    return entry
  }
}

/// Tensors that share a prefix.
package struct Scope: Sendable {
  package let checkpoint: Checkpoint
  package let prefix: String

  package subscript(_ part: String) -> Scope { Scope(checkpoint: checkpoint, prefix: full(part)) }

  package func has(_ name: String) -> Bool { checkpoint.has(full(name)) }

  /// Whether any tensor lies below this name.
  package func hasAny(below name: String) -> Bool { checkpoint.count(prefix: full(name) + ".") > 0 }

  package func shape(_ name: String) throws(CheckpointError) -> [Int] { try checkpoint.shape(full(name)) }

  /// A vector of `count` floats; norms stored as [1, 1, count] are accepted. All values are finite.
  package func vector(_ name: String, _ count: Int) throws(CheckpointError) -> Vector {
    let values = try elements(
      name, where: { $0.reduce(1, *) == count && $0.count { $0 != 1 } <= 1 }, expected: [count])
    guard values.allFinite else { throw .notFinite(file: checkpoint.path, tensor: full(name)) }
    return Vector(count: count) { values[$0] }
  }

  /// A matrix that products read, as the checkpoint's `weights` say.
  ///
  /// - Parameter rowOffset: first row, for matrices stacked in one tensor of `stacked` rows.
  package func matrix(
    _ name: String, _ rows: Int, _ columns: Int, rowOffset: Int = 0, stacked: Int? = nil
  ) throws(CheckpointError) -> Matrix {
    if case .random(let bits) = checkpoint.weights {
      let packed: Matrix.Format = bits == 4 ? .q4 : .q8
      return Matrix(
        randomOf: rows, columns, bits != nil && QuantizedBlocks.fits(columns: columns) ? packed : .bfloat)
    }
    let matrix = try table(name, rows, columns, rowOffset: rowOffset, stacked: stacked)
    switch checkpoint.weights {
    case .random: return matrix
    case .mapped: return matrix
    case .panels, .halfPanels:
      return Matrix(panelsOf: rows, columns, as: checkpoint.panelFormat) { matrix[$0, $1] }
    case .quantized(let bits):
      return QuantizedBlocks.fits(columns: columns) ? matrix.quantized(bits: bits) : matrix
    }
  }

  /// A matrix [rows, columns], or [rows, columns, 1] as 1x1 convolutions are stored: mapped where the type allows.
  package func table(
    _ name: String, _ rows: Int, _ columns: Int, rowOffset: Int = 0, stacked: Int? = nil
  ) throws(CheckpointError) -> Matrix {
    let entry = try checkpoint.entry(full(name))
    let expected = [stacked ?? rows, columns]
    guard entry.shape == expected || entry.shape == expected + [1] else {
      throw .wrongShape(file: checkpoint.path, tensor: full(name), expected: expected, found: entry.shape)
    }
    let bytes = checkpoint.file.bytes(entry)
    func mapped(_ format: Matrix.Format) -> Matrix {
      Matrix(
        rows: rows, columns: columns, format: format,
        weights: bytes.baseAddress! + rowOffset * columns * entry.type.size, owner: checkpoint.file)
    }
    switch entry.type {
    case .float32: return mapped(.float)
    case .bfloat16: return mapped(.bfloat)
    case .float16:
      let storage = FloatStorage(count: rows * columns)
      let values = TensorValues(entry, checkpoint.file)!
      for i in 0..<rows * columns { storage.base[i] = values[rowOffset * columns + i] }
      return Matrix(rows: rows, columns: columns, format: .float, weights: storage.base, owner: storage)
    default:
      throw .wrongType(
        file: checkpoint.path, tensor: full(name), expected: "F32, BF16 or F16", found: entry.type.rawValue)
    }
  }

  /// The same matrix copied into panels, for layers that see many columns at once.
  package func panels(_ name: String, _ rows: Int, _ columns: Int) throws(CheckpointError) -> Matrix {
    let values = try elements(
      name, where: { $0 == [rows, columns] || $0 == [rows, columns, 1] }, expected: [rows, columns])
    return Matrix(panelsOf: rows, columns, as: checkpoint.panelFormat) { values[$0 * columns + $1] }
  }

  /// A float tensor of exactly this shape, read element by element.
  package func values(_ name: String, _ shape: [Int]) throws(CheckpointError) -> TensorValues {
    try elements(name, where: { $0 == shape }, expected: shape)
  }

  package func full(_ name: String) -> String { prefix.isEmpty ? name : prefix + "." + name }

  private func elements(
    _ name: String, where accepts: ([Int]) -> Bool, expected: [Int]
  ) throws(CheckpointError) -> TensorValues {
    let entry = try checkpoint.entry(full(name))
    guard accepts(entry.shape) else {
      throw .wrongShape(file: checkpoint.path, tensor: full(name), expected: expected, found: entry.shape)
    }
    guard let values = TensorValues(entry, checkpoint.file) else {
      throw .wrongType(
        file: checkpoint.path, tensor: full(name), expected: "F32, BF16 or F16", found: entry.type.rawValue)
    }
    return values
  }
}

/// The elements of a float tensor, converted one by one.
package struct TensorValues {
  package let count: Int
  private let type: ElementType
  private let bytes: UnsafeRawBufferPointer
  // Keeps the bytes mapped.
  private let file: Safetensors

  /// Nil where the tensor does not hold floats.
  init?(_ entry: Safetensors.Entry, _ file: Safetensors) {
    guard [.float32, .bfloat16, .float16].contains(entry.type) else { return nil }
    count = entry.count
    type = entry.type
    self.file = file
    bytes = file.bytes(entry)
  }

  package subscript(index: Int) -> Float {
    switch type {
    case .bfloat16:
      Float(bitPattern: UInt32(bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)) << 16)
    case .float16: Float(bytes.loadUnaligned(fromByteOffset: index * 2, as: Float16.self))
    default: bytes.loadUnaligned(fromByteOffset: index * 4, as: Float.self)
    }
  }

  package var allFinite: Bool { (0..<count).allSatisfy { self[$0].isFinite } }
}
