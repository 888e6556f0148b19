package import Checkpoint
package import Kernels

/// y = W x (+ b), for any number of columns.
package struct Linear: Sendable {
  package let matrix: Matrix  // [outputs, inputs]
  package let bias: Vector?

  package var inputs: Int { matrix.columns }
  package var outputs: Int { matrix.rows }

  package init(matrix: Matrix, bias: Vector? = nil) {
    self.matrix = matrix
    self.bias = bias
  }

  /// Reads `weight` and, where the file has one, `bias`.
  package init(_ scope: Scope, inputs: Int, outputs: Int) throws(CheckpointError) {
    matrix = try scope.matrix("weight", outputs, inputs)
    bias = scope.has("bias") ? try scope.vector("bias", outputs) : nil
  }

  /// The same, copied into panels: for layers whose products always have many columns.
  package init(panels scope: Scope, inputs: Int, outputs: Int) throws(CheckpointError) {
    matrix = try scope.panels("weight", outputs, inputs)
    bias = scope.has("bias") ? try scope.vector("bias", outputs) : nil
  }

  /// - Parameters:
  ///   - x: [count][inputs], columns `xStride` apart (contiguous unless said).
  ///   - y: [count][outputs], columns `yStride` apart; added to with `accumulate`.
  package func callAsFunction(
    _ x: UnsafePointer<Float>, xStride: Int? = nil, into y: UnsafeMutablePointer<Float>, yStride: Int? = nil,
    count: Int, accumulate: Bool = false, _ workers: Workers
  ) {
    matrix.multiply(
      x, xStride: xStride ?? inputs, into: y, yStride: yStride ?? outputs, count: count, bias: bias?.base,
      accumulate: accumulate, workers)
  }
}
