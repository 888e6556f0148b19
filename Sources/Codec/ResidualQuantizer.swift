internal import Checkpoint
internal import Kernels
internal import Layers

/// Split residual vector quantizer (Moshi, 3.2.2): one semantic codebook beside a chain of acoustic ones, each side with
/// its own projections, both from the same latent.
struct ResidualQuantizer: Sendable {
  private let first: Chain
  private let rest: Chain?
  /// Codebooks in the file.
  let available: Int
  /// Codebooks in use.
  let count: Int
  let cardinality: Int
  let width: Int
  /// Bytes of weights read to encode one latent.
  let bytes: Int

  /// - Parameter count: codebooks to use; all that the file has where nil.
  init(
    _ scope: Scope, width: Int, count wanted: Int?, encoder: inout SessionPlan, decoder: inout SessionPlan
  ) throws(CheckpointError) {
    var available = 1
    while scope.hasAny(below: "rvq_rest.vq.layers.\(available - 1)") { available += 1 }
    let count = min(wanted ?? available, available)
    first = try Chain(scope["rvq_first"], width: width, count: 1, &encoder.scratch, &decoder.scratch)
    rest =
      count > 1
      ? try Chain(scope["rvq_rest"], width: width, count: count - 1, &encoder.scratch, &decoder.scratch) : nil
    self.available = available
    self.count = count
    self.width = width
    cardinality = first.cardinality
    bytes = first.bytes + (rest?.bytes ?? 0)
    if let rest, rest.cardinality != cardinality {
      throw .badField(
        file: scope.checkpoint.path, field: scope.full("rvq_rest"), expected: "\(cardinality) entries",
        found: "\(rest.cardinality) entries")
    }
  }

  /// - Parameters:
  ///   - latent: `width` floats.
  ///   - codes: `count` indices.
  func encode(
    _ latent: UnsafePointer<Float>, into codes: UnsafeMutablePointer<Int32>, _ scratch: MemoryView,
    _ workers: Workers
  ) {
    first.encode(latent, into: codes, scratch, workers)
    rest?.encode(latent, into: codes + 1, scratch, workers)
  }

  /// - Parameters:
  ///   - codes: 1 to `count` indices below `cardinality`.
  ///   - latent: `width` floats.
  func decode(
    _ codes: UnsafeBufferPointer<Int32>, into latent: UnsafeMutablePointer<Float>, _ scratch: MemoryView,
    _ workers: Workers
  ) {
    first.decode(codes.extracting(0..<1), into: latent, accumulate: false, scratch, workers)
    guard let rest, codes.count > 1 else { return }
    rest.decode(codes.extracting(1...), into: latent, accumulate: true, scratch, workers)
  }
}

/// Codebooks that quantize one after the other what the ones before left over.
private struct Chain: Sendable {
  private let input: Linear  // [dimension, width]
  private let output: Linear  // [width, dimension]
  private let codebooks: [Codebook]
  private let residual: Region<Float>
  private let scores: Region<Float>
  private let sum: Region<Float>
  let cardinality: Int

  init(
    _ scope: Scope, width: Int, count: Int, _ encoder: inout MemoryPlan, _ decoder: inout MemoryPlan
  ) throws(CheckpointError) {
    let dimension = try scope.shape("input_proj.weight").first ?? 0
    input = try Linear(scope["input_proj"], inputs: width, outputs: dimension)
    output = try Linear(scope["output_proj"], inputs: dimension, outputs: width)
    var codebooks: [Codebook] = []
    for level in 0..<count {
      codebooks.append(try Codebook(scope["vq.layers.\(level)._codebook"], dimension))
    }
    self.codebooks = codebooks
    cardinality = codebooks[0].entries.rows
    for (level, codebook) in codebooks.enumerated() where codebook.entries.rows != cardinality {
      throw .wrongShape(
        file: scope.checkpoint.path, tensor: scope.full("vq.layers.\(level)._codebook"),
        expected: [cardinality, dimension], found: [codebook.entries.rows, dimension])
    }
    residual = encoder.reserve(Float.self, dimension)
    scores = encoder.reserve(Float.self, cardinality)
    sum = decoder.reserve(Float.self, dimension)
  }

  var bytes: Int { codebooks.reduce(input.matrix.bytes) { $0 + $1.search.bytes } }

  func encode(
    _ latent: UnsafePointer<Float>, into codes: UnsafeMutablePointer<Int32>, _ scratch: MemoryView,
    _ workers: Workers
  ) {
    let (residual, scores) = (scratch[residual], scratch[scores])
    input(latent, into: residual, count: 1, workers)
    // By index: iterators over large structs take heap memory in builds that are not optimised.
    for level in codebooks.indices {
      let codebook = codebooks[level]
      // The nearest entry has the largest r.e - |e|^2 / 2.
      codebook.search.multiply(
        residual, xStride: 0, into: scores, yStride: 0, count: 1, bias: codebook.negativeHalfNorms.base,
        workers)
      let nearest = Kernels.largest(scores, cardinality)
      codes[level] = nearest
      let entry = codebook.entries.row(Int(nearest))
      for i in 0..<codebook.entries.columns { residual[i] -= entry[i] }
    }
  }

  func decode(
    _ codes: UnsafeBufferPointer<Int32>, into latent: UnsafeMutablePointer<Float>, accumulate: Bool,
    _ scratch: MemoryView, _ workers: Workers
  ) {
    let sum = scratch[sum]
    sum.update(repeating: 0, count: input.outputs)
    for level in 0..<min(codes.count, codebooks.count) {
      // Checked where codes enter; here only memory is protected.
      codebooks[level].entries.add(row: min(max(Int(codes[level]), 0), cardinality - 1), to: sum)
    }
    output(sum, into: latent, count: 1, accumulate: accumulate, workers)
  }
}

/// One codebook, twice: rows to look up, and panels to search.
private struct Codebook: Sendable {
  let entries: EntryTable
  let search: Matrix
  let negativeHalfNorms: Vector

  /// Files hold entries, or sums and counts of the training's averages.
  init(_ scope: Scope, _ dimension: Int) throws(CheckpointError) {
    let name = scope.has("embedding") ? "embedding" : "embedding_sum"
    let shape = try scope.shape(name)
    let rows = shape.first ?? 0
    let values = try scope.values(name, [max(rows, 1), dimension])
    let usage = name == "embedding" ? nil : try scope.vector("cluster_usage", rows)
    guard values.allFinite else { throw .notFinite(file: scope.checkpoint.path, tensor: scope.full(name)) }
    let entries = EntryTable(rows: rows, columns: dimension) { row, column in
      values[row * dimension + column] / max(usage?[row] ?? 1, 1e-5)
    }
    self.entries = entries
    search = Matrix(panelsOf: rows, dimension) { entries.row($0)[$1] }
    negativeHalfNorms = Vector(count: rows) { row in
      Float(
        -0.5
          * (0..<dimension).reduce(0.0) { $0 + Double(entries.row(row)[$1]) * Double(entries.row(row)[$1]) })
    }
  }
}

/// Entries [rows][columns] to look up.
private struct EntryTable: @unchecked Sendable {
  let rows: Int
  let columns: Int
  private let storage: FloatStorage

  init(rows: Int, columns: Int, _ element: (Int, Int) -> Float) {
    self.rows = rows
    self.columns = columns
    storage = FloatStorage(count: rows * columns)
    for row in 0..<rows {
      for column in 0..<columns { storage.base[row * columns + column] = element(row, column) }
    }
  }

  func row(_ index: Int) -> UnsafePointer<Float> { UnsafePointer(storage.base + index * columns) }

  func add(row index: Int, to y: UnsafeMutablePointer<Float>) { Kernels.add(row(index), to: y, columns) }
}
