internal import Kernels

/// Which tensors of a model are rounded to how many bits, and where each lies in the new file.
package struct ConversionPlan {
  /// One tensor of the new file.
  struct Item {
    let name: String
    let tensor: StoredTensor
    /// As matrices; 1 row for a vector.
    let rows: Int
    let columns: Int
    /// Rows of one of the stacked matrices.
    let rowsPerPart: Int
    /// 8 or 4; nil if the numbers are copied unchanged.
    let bits: Int?
    let type: ElementType
    let shape: [Int]
    let byteCount: Int
    var offset = 0

    var parts: Int { rows / rowsPerPart }
  }

  package let source: Checkpoint
  package let bits: Int
  /// Bits requested by name.
  package let kept: [String: Int]
  private(set) var items: [Item] = []

  /// Bits that leave a matrix as it is.
  package static let unchanged = 16

  /// - Parameters:
  ///   - survey: what the model reads of `source`.
  ///   - bits: 8 or 4, for every matrix that fits into blocks.
  ///   - kept: a tensor's name, or a prefix of names that ends at a point -> 8, 4 or `unchanged`.
  package init(_ source: Checkpoint, _ survey: Survey, bits: Int, kept: [String: Int]) throws(CheckpointError)
  {
    precondition(bits == 8 || bits == 4)
    self.source = source
    self.bits = bits
    self.kept = kept
    guard source.card == nil else { throw .alreadyPacked(file: source.path) }
    let reads = survey.reads
    for name in kept.keys.sorted() where !reads.contains(where: { $0.isMatrix && Self.names(name, $0.name) })
    {
      throw .nothingNamed(file: source.path, name: name)
    }
    for read in reads { items.append(try item(read)) }
    for name in survey.vectors {
      let tensor = try source.tensor(name)
      guard case .plain(let type) = tensor.form else { continue }
      let count = tensor.shape.reduce(1, *)
      items.append(
        Item(
          name: name, tensor: tensor, rows: 1, columns: count, rowsPerPart: 1, bits: nil, type: type,
          shape: tensor.shape, byteCount: tensor.bytes.count))
    }
    // Blocks first, then floats, then halves, so that everything is aligned to its size.
    items.sort {
      ($0.bits == nil ? 8 - $0.type.size : 0, $0.name) < ($1.bits == nil ? 8 - $1.type.size : 0, $1.name)
    }
    var offset = 0
    for index in items.indices {
      items[index].offset = offset
      offset += items[index].byteCount
    }
    byteCount = offset
  }

  /// Bytes of all tensors.
  package private(set) var byteCount = 0

  /// Whether `name` is this tensor's name, or a prefix of it that ends at a point.
  static func names(_ name: String, _ tensor: String) -> Bool {
    tensor == name || tensor.hasPrefix(name + ".")
  }

  private func item(_ read: Survey.Read) throws(CheckpointError) -> Item {
    let tensor = try source.tensor(read.name)
    // The longest matching name decides.
    let asked = kept.keys.filter { read.isMatrix && Self.names($0, read.name) }.max { $0.count < $1.count }
    let wanted = asked.flatMap { kept[$0] } ?? bits
    let fits = QuantizedBlocks.fits(columns: read.columns)
    if asked != nil, wanted != Self.unchanged, !fits {
      throw .cannotQuantize(file: source.path, tensor: read.name, bits: wanted, inputs: read.columns)
    }
    let shape = [read.stacked, read.columns]
    if read.isMatrix, fits, wanted != Self.unchanged {
      let bytes = QuantizedBlocks(bits: wanted, columns: read.columns).bytes(rows: read.rows)
      let parts = read.stacked / read.rows
      return Item(
        name: read.name, tensor: tensor, rows: read.stacked, columns: read.columns, rowsPerPart: read.rows,
        bits: wanted, type: .uint8, shape: [parts, bytes], byteCount: parts * bytes)
    }
    // Other programs' quantized numbers become floats.
    var type = ElementType.float32
    if case .plain(let plain) = tensor.form { type = plain }
    return Item(
      name: read.name, tensor: tensor, rows: read.stacked, columns: read.columns, rowsPerPart: read.stacked,
      bits: nil, type: type, shape: shape, byteCount: shape.reduce(type.size, *))
  }

  /// Identifies this conversion: an unfinished file is resumed only if its fingerprint is the same.
  var fingerprint: String {
    let names = kept.keys.sorted().map { "\($0)=\(kept[$0] ?? 0)" }
    return "antiphon \(PackedCard.version) \(source.file.identity) \(bits) \(names.joined(separator: ","))"
  }
}
