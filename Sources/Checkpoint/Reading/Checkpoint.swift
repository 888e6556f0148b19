package import Kernels

/// A model's tensors by name, whatever the naming scheme of the file, as typed weights. Anything wrong is a
/// `CheckpointError`.
package struct Checkpoint: Sendable {
  package let path: String
  /// By our names.
  package let tensors: [String: StoredTensor]
  /// The file, or all shards.
  package let file: WeightFiles
  /// The card, if the file is packed.
  package let card: PackedCard?

  /// What matrix products read.
  package enum Weights: Sendable, Equatable {
    /// The matrices as they lie in the mapped file. Those quantized by other programs are rounded to 8 bits.
    case mapped
    /// Copies in panels of f32, on large pages: faster for weights that every frame reads, at the price of memory.
    case panels
    /// The same in f16: half of that memory.
    case halfPanels
    /// Copies with 8 or 4 bits per weight, of every matrix that fits into blocks and is not packed already.
    case quantized(bits: Int)
    /// Meaningless numbers in place of the file's, with 8 or 4 bits or, if nil, in bf16: for measuring shapes.
    case random(bits: Int?)
  }

  let weights: Weights
  let survey: Survey?

  /// The format of matrices that are always copied into panels, such as convolutions.
  ///
  /// Small ones stay in f32: reading them costs little, and each one that is rounded changes some codes.
  package func panelFormat(_ rows: Int, _ columns: Int) -> Matrix.Format {
    weights == .halfPanels && rows * columns >= Self.leastHalved ? .halfPanels : .panels
  }

  /// Copies a matrix into panels of that format; `element(row, column)` gives each weight.
  package func panels(_ rows: Int, _ columns: Int, _ element: (Int, Int) -> Float) -> Matrix {
    Matrix(panelsOf: rows, columns, as: panelFormat(rows, columns), element)
  }

  /// Weights of the smallest matrix that is worth storing in f16.
  package static let leastHalved = 1 << 18

  /// - Parameters:
  ///   - weights: what matrix products read.
  ///   - rename: the file's name -> the name that our code uses, or nil to hide the tensor.
  package init(_ file: Safetensors, weights: Weights = .mapped, rename: (String) -> String? = { $0 }) {
    self.init(
      file.path, file.files, file.stored(), card: nil, weights: weights, survey: nil, rename: rename)
  }

  /// Opens a file of any supported format: safetensors, packed or not, in one file or in shards, also with MLX's
  /// quantized matrices; or GGUF.
  ///
  /// - Parameter survey: records what is read, without reading it: matrices are zeros.
  package static func open(
    _ path: String, weights: Weights = .mapped, survey: Survey? = nil, rename: (String) -> String? = { $0 }
  ) throws(CheckpointError) -> Checkpoint {
    guard ShardIndex.path(of: path) == nil else {
      return try Checkpoint(Safetensors(path), weights, survey, rename)
    }
    return try open(MappedFile(path), weights: weights, survey: survey, rename: rename)
  }

  /// The same for an open file.
  package static func open(
    _ file: MappedFile, weights: Weights = .mapped, survey: Survey? = nil,
    rename: (String) -> String? = { $0 }
  ) throws(CheckpointError) -> Checkpoint {
    guard GGUF.isOne(file) else { return try Checkpoint(Safetensors(file), weights, survey, rename) }
    let parsed = try GGUF(file)
    return Checkpoint(
      file.path, WeightFiles(files: [file]), parsed.tensors, card: nil, weights: weights, survey: survey,
      rename: rename)
  }

  private init(
    _ file: Safetensors, _ weights: Weights, _ survey: Survey?, _ rename: (String) -> String?
  ) throws(CheckpointError) {
    let card = try PackedCard(file)
    self.init(
      file.path, file.files, file.stored(card), card: card, weights: weights, survey: survey, rename: rename)
  }

  private init(
    _ path: String, _ file: WeightFiles, _ stored: [String: StoredTensor], card: PackedCard?,
    weights: Weights,
    survey: Survey?, rename: (String) -> String?
  ) {
    var tensors: [String: StoredTensor] = [:]
    for (name, tensor) in stored {
      if let ours = rename(name) { tensors[ours] = tensor }
    }
    self.path = path
    self.file = file
    self.tensors = tensors
    self.card = card
    self.weights = weights
    self.survey = survey
  }

  /// The tensors with a prefix: `scope("encoder")["model.0"].vector("bias", 64)`.
  package func scope(_ prefix: String) -> Scope { Scope(checkpoint: self, prefix: prefix) }

  /// Number of tensors whose name starts with `prefix`.
  package func count(prefix: String) -> Int { tensors.keys.count { $0.hasPrefix(prefix) } }

  package func has(_ name: String) -> Bool { tensors[name] != nil }

  package func shape(_ name: String) throws(CheckpointError) -> [Int] { try tensor(name).shape }

  func tensor(_ name: String) throws(CheckpointError) -> StoredTensor {
    guard let tensor = tensors[name] else {
      throw .missingTensor(file: path, tensor: name, present: tensors.count)
    }
    return tensor
  }
}

/// Tensors that share a prefix.
package struct Scope: Sendable {
  package let checkpoint: Checkpoint
  package let prefix: String

  package subscript(_ part: String) -> Scope { Scope(checkpoint: checkpoint, prefix: full(part)) }

  package func has(_ name: String) -> Bool { checkpoint.has(full(name)) }

  /// Whether any tensor has a name below this one.
  package func hasAny(below name: String) -> Bool { checkpoint.count(prefix: full(name) + ".") > 0 }

  package func shape(_ name: String) throws(CheckpointError) -> [Int] { try checkpoint.shape(full(name)) }

  /// A vector of `count` finite floats; norms stored as [1, 1, count] are accepted.
  package func vector(_ name: String, _ count: Int) throws(CheckpointError) -> Vector {
    let values = try elements(
      name, where: { $0.reduce(1, *) == count && $0.count { $0 != 1 } <= 1 }, expected: [count])
    guard values.allFinite else { throw .notFinite(file: checkpoint.path, tensor: full(name)) }
    checkpoint.survey?.note(vector: full(name))
    return Vector(count: count) { values[$0] }
  }

  /// A matrix for products, in the form that the checkpoint's `weights` select.
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
    let tensor = try rectangle(name, stacked ?? rows, columns)
    if let survey = checkpoint.survey {
      survey.note(
        Survey.Read(
          name: full(name), rows: rows, columns: columns, stacked: stacked ?? rows, isMatrix: true))
      return survey.zeros(rows: rows, columns: columns)
    }
    let mapped = tensor.mapped(rows: rows, columns, rowOffset: rowOffset)
    if case .packed = tensor.form {
      guard let mapped else { throw wrongType(name, tensor) }
      return mapped
    }
    guard tensor.hasFloats else { throw wrongType(name, tensor) }
    let isQuantized = tensor.form == .blocks || tensor.form == .affine
    var bits: Int?
    switch checkpoint.weights {
    case .mapped: bits = isQuantized ? 8 : nil
    case .panels, .halfPanels, .random: break
    case .quantized(let wanted): bits = wanted
    }
    if let bits, QuantizedBlocks.fits(columns: columns) {
      return try PackedPart(tensor: tensor, rows: rows, columns: columns, rowOffset: rowOffset, bits: bits)
        .matrix(checkpoint.path, full(name))
    }
    let matrix = mapped ?? tensor.widened(rows: rows, columns, rowOffset: rowOffset)
    switch checkpoint.weights {
    case .panels, .halfPanels:
      return checkpoint.panels(rows, columns) { matrix[$0, $1] }
    default: return matrix
    }
  }

  /// A matrix [rows, columns], or [rows, columns, 1] as 1x1 convolutions are stored: mapped where the type allows.
  package func table(_ name: String, _ rows: Int, _ columns: Int) throws(CheckpointError) -> Matrix {
    let tensor = try rectangle(name, rows, columns)
    if let survey = checkpoint.survey {
      survey.note(
        Survey.Read(name: full(name), rows: rows, columns: columns, stacked: rows, isMatrix: false))
      return survey.zeros(rows: rows, columns: columns)
    }
    guard tensor.hasFloats else { throw wrongType(name, tensor) }
    return tensor.mapped(rows: rows, columns, rowOffset: 0)
      ?? tensor.widened(rows: rows, columns, rowOffset: 0)
  }

  private func rectangle(_ name: String, _ rows: Int, _ columns: Int) throws(CheckpointError) -> StoredTensor
  {
    let tensor = try known(name)
    guard tensor.fits(rows, columns) else {
      throw .wrongShape(
        file: checkpoint.path, tensor: full(name), expected: [rows, columns], found: tensor.shape)
    }
    if case .plain = tensor.form, !tensor.hasFloats { throw wrongType(name, tensor) }
    return tensor
  }

  /// The tensor, whose element type must be one that this version supports.
  private func known(_ name: String) throws(CheckpointError) -> StoredTensor {
    let tensor = try checkpoint.tensor(full(name))
    if case .unknown(let found) = tensor.form {
      throw .unknownType(file: checkpoint.path, tensor: full(name), found: found)
    }
    return tensor
  }

  private func wrongType(_ name: String, _ tensor: StoredTensor) -> CheckpointError {
    .wrongType(
      file: checkpoint.path, tensor: full(name), expected: "F32, BF16 or F16", found: tensor.typeName)
  }

  /// The same matrix copied into panels, for layers that process many columns at once.
  package func panels(_ name: String, _ rows: Int, _ columns: Int) throws(CheckpointError) -> Matrix {
    let values = try elements(
      name, where: { $0 == [rows, columns] || $0 == [rows, columns, 1] }, expected: [rows, columns])
    return checkpoint.panels(rows, columns) { values[$0 * columns + $1] }
  }

  /// A float tensor of exactly this shape, read element by element.
  package func values(_ name: String, _ shape: [Int]) throws(CheckpointError) -> TensorValues {
    try elements(name, where: { $0 == shape }, expected: shape)
  }

  package func full(_ name: String) -> String { prefix.isEmpty ? name : prefix + "." + name }

  private func elements(
    _ name: String, where accepts: ([Int]) -> Bool, expected: [Int]
  ) throws(CheckpointError) -> TensorValues {
    let tensor = try known(name)
    guard accepts(tensor.shape) else {
      throw .wrongShape(file: checkpoint.path, tensor: full(name), expected: expected, found: tensor.shape)
    }
    guard let values = TensorValues(tensor) else { throw wrongType(name, tensor) }
    return values
  }
}

/// The elements of a float tensor, converted one by one.
package struct TensorValues {
  package let count: Int
  private let type: ElementType
  private let bytes: UnsafeRawBufferPointer
  // Keeps the bytes mapped.
  private let file: MappedFile

  /// Nil if the tensor does not hold floats.
  init?(_ tensor: StoredTensor) {
    guard case .plain(let type) = tensor.form, tensor.hasFloats else { return nil }
    count = tensor.shape.reduce(1, *)
    self.type = type
    file = tensor.file
    bytes = tensor.bytes
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
