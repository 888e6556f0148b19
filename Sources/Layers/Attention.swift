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
      // Reports the missing tensor by the name that the published layout has.
      return Linear(matrix: try scope.matrix(stacked[0], rows, width))
    }
    input = try projection(["in_proj_weight", "in_proj.weight"], "in_projs", 3 * width)
    output = try projection(["out_proj.weight"], "out_projs", width)
  }

  /// Regions of scratch that all layers of a stack share.
  package struct Scratch: Sendable {
    let projected: Region<Float>  // [lanes][3 width]
    let attended: Region<Float>  // [lanes][width]
    let scores: Region<Float>  // [lanes][heads][capacity]
    // Cosines and sines of the lanes' positions.
    let angles: Region<Float>?

    package init(
      width: Int, heads: Int, capacity: Int, lanes: Int, rotary: RotaryEmbedding?, in plan: inout MemoryPlan
    ) {
      projected = plan.reserve(Float.self, lanes * 3 * width)
      attended = plan.reserve(Float.self, lanes * width)
      scores = plan.reserve(Float.self, lanes * heads * capacity)
      angles = rotary?.reserve(lanes: lanes, in: &plan)
    }
  }

  /// What the queries of one layer can see.
  package struct Window: Sendable {
    /// The layer's ring of keys and values.
    let cache: KVCache
    /// Positions that a query sees, itself included.
    let context: Int
    /// Its table is prepared for the lanes of the pass. Nil where positions are not rotary.
    let rotary: RotaryEmbedding?
    /// Scales keys before they are stored, and queries against them.
    let fold: KeyFold?
  }

  /// - Parameters:
  ///   - x: [lanes][width]
  ///   - y: [lanes][width]; added to with `accumulate`.
  package func step(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, accumulate: Bool, _ window: Window,
    _ regions: Scratch, _ pass: Pass
  ) {
    let (lanes, workers, width) = (pass.lanes, pass.workers, output.inputs)
    let (projected, attended) = (pass.scratch[regions.projected], pass.scratch[regions.attended])
    let memory = window.cache.memory
    input(x, into: projected, count: lanes.count, workers)
    if let rotary = window.rotary, let angles = regions.angles {
      // Queries and keys are neighbours: one call rotates the heads of both.
      rotary.rotate(
        projected, stride: 3 * width, heads: 2 * memory.heads, count: lanes.count, pass.scratch[angles])
    }
    if let fold = window.fold {
      for lane in 0..<lanes.count { fold.apply(projected + lane * 3 * width) }
    }
    workers.attend(
      memory, queries: projected, keys: projected + width, values: projected + 2 * width, stride: 3 * width,
      states: lanes.states, positions: lanes.positions, newest: lanes.newest, columns: lanes.count,
      context: window.context, scores: pass.scratch[regions.scores], into: attended)
    output(attended, into: y, count: lanes.count, accumulate: accumulate, workers)
  }
}
