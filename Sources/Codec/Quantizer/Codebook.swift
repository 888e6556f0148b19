internal import Checkpoint
internal import Kernels

/// One codebook in two layouts: rows to look up, and panels to search.
struct Codebook: Sendable {
  let entries: EntryTable
  let search: Matrix
  let negativeHalfNorms: Vector

  /// Reads `embedding`, or computes the entries from training's moving averages: `embedding_sum` over `cluster_usage`.
  init(_ scope: Scope, _ dimension: Int) throws(CheckpointError) {
    let name = scope.has("embedding") ? "embedding" : "embedding_sum"
    let shape = try scope.shape(name)
    let rows = shape.first ?? 0
    let values = try scope.values(name, [max(rows, 1), dimension])
    let usage = name == "embedding" ? nil : try scope.vector("cluster_usage", rows)
    guard values.allFinite else { throw .notFinite(file: scope.checkpoint.path, tensor: scope.full(name)) }
    self.init(
      EntryTable(rows: rows, columns: dimension) { row, column in
        values[row * dimension + column] / max(usage?[row] ?? 1, 1e-5)
      })
  }

  init(_ entries: EntryTable) {
    let columns = entries.columns
    self.entries = entries
    search = Matrix(panelsOf: entries.rows, columns) { entries.row($0)[$1] }
    negativeHalfNorms = Vector(count: entries.rows) { row in
      Float(
        -0.5 * (0..<columns).reduce(0.0) { $0 + Double(entries.row(row)[$1]) * Double(entries.row(row)[$1]) })
    }
  }
}

/// A table of entries, [rows][columns].
struct EntryTable: @unchecked Sendable {
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
