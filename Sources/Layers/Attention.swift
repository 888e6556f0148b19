package import Checkpoint
package import Kernels

/// Multi-head causal self-attention over a sliding window, with its two projections; no biases.
package struct Attention: Sendable {
  package let input: Linear  // [3 width, width]: queries, keys, values, heads contiguous in each
  package let output: Linear  // [width, width]

  /// Reads set `set` of `sets`, stacked in one tensor (`in_proj_weight`) or one tensor each (`in_projs.N.weight`).
  package init(_ scope: Scope, width: Int, heads: Int, set: Int = 0, of sets: Int = 1) throws(CheckpointError)
  {
    func projection(_ stacked: [String], _ plural: String, _ rows: Int) throws(CheckpointError) -> Linear {
      for name in stacked where scope.has(name) {
        return Linear(
          matrix: try scope.matrix(name, rows, width, rowOffset: set * rows, stacked: sets * rows))
      }
      if scope.has("\(plural).\(set).weight") {
        return Linear(matrix: try scope.matrix("\(plural).\(set).weight", rows, width))
      }
      // Names the tensor that the published layout has.
      return Linear(matrix: try scope.matrix(stacked[0], rows, width))
    }
    input = try projection(["in_proj_weight", "in_proj.weight"], "in_projs", 3 * width)
    output = try projection(["out_proj.weight"], "out_projs", width)
  }

  /// Scratch of one attention step, shared by all layers of a stack.
  package struct Scratch: Sendable {
    let projected: Region<Float>  // [columns][3 width]
    let attended: Region<Float>  // [columns][width]
    let scores: Region<Float>  // [columns][heads][capacity]
    // Cosines and sines of the columns' positions.
    let angles: Region<Float>?

    package init(
      width: Int, heads: Int, capacity: Int, columns: Int, rotary: RotaryEmbedding?, in plan: inout MemoryPlan
    ) {
      projected = plan.reserve(Float.self, columns * 3 * width)
      attended = plan.reserve(Float.self, columns * width)
      scores = plan.reserve(Float.self, columns * heads * capacity)
      angles = rotary?.reserve(columns: columns, in: &plan)
    }
  }

  /// - Parameters:
  ///   - x: [count][width]
  ///   - y: [count][width]; added to with `accumulate`.
  ///   - rotary: prepared for these columns, or none.
  ///   - fold: scales keys before they are stored, and queries against them.
  package func step(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, accumulate: Bool, _ cache: KVCache,
    context: Int, rotary: RotaryEmbedding?, fold: KeyFold? = nil, _ columns: Columns, _ regions: Scratch,
    _ scratch: MemoryView,
    _ workers: Workers
  ) {
    let width = output.inputs
    let count = columns.count
    let projected = scratch[regions.projected]
    input(x, into: projected, count: count, workers)
    if let rotary, let angles = regions.angles {
      // Queries and keys are neighbours: one call turns the heads of both.
      rotary.rotate(
        projected, stride: 3 * width, heads: 2 * cache.memory.heads, count: count, scratch[angles])
    }
    if let fold {
      for column in 0..<count { fold.apply(projected + column * 3 * width) }
    }
    workers.attend(
      cache.memory, queries: projected, keys: projected + width, values: projected + 2 * width,
      stride: 3 * width, sessions: columns.states, positions: columns.positions, newest: columns.newest,
      columns: count, context: context, scores: scratch[regions.scores], into: scratch[regions.attended])
    output(scratch[regions.attended], into: y, count: count, accumulate: accumulate, workers)
  }
}
