internal import Checkpoint
internal import Kernels
internal import Layers

/// A table of vectors, one per token, read in place. It may be low-rank: narrow rows that a matrix widens.
struct TokenEmbedding: Sendable {
  private let table: Matrix  // [tokens, width or rank]
  private let widen: Linear?  // [width, rank]

  /// - Parameter rank: width of the table if it is low-rank; `low_rank.weight` then widens it.
  init(_ scope: Scope, tokens: Int, width: Int, rank: Int? = nil) throws(CheckpointError) {
    table = try scope.table("weight", tokens, rank ?? width)
    widen = try rank.map { rank throws(CheckpointError) in
      try Linear(scope["low_rank"], inputs: rank, outputs: width)
    }
  }

  /// Floats of scratch that `add` needs.
  var scratch: Int { widen?.inputs ?? 0 }

  /// y += the token's vector; a negative token is the zero vector.
  func add(
    _ token: Int32, to y: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>,
    _ workers: Workers
  ) {
    guard token >= 0 else { return }
    guard let widen else {
      table.add(row: Int(token), to: y)
      return
    }
    scratch.update(repeating: 0, count: widen.inputs)
    table.add(row: Int(token), to: scratch)
    widen(scratch, into: y, count: 1, accumulate: true, workers)
  }
}
