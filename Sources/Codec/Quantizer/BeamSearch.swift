internal import Kernels

/// Beam search through the codebooks of a residual quantizer: at each level the sums nearest to the input are kept.
///
/// A beam of one is the usual greedy search. A beam of sixteen makes the residual a quarter smaller. The codes mean the
/// same, so the decoder does not change.
struct BeamSearch: Sendable {
  /// Beam width: sums kept at each level.
  let width: Int
  private let codebooks: [Codebook]
  private let dimension: Int
  private let cardinality: Int
  // The residual of each sum and its codes, twice: for this level and for the next.
  private let residuals: (Region<Float>, Region<Float>)
  private let paths: (Region<Int32>, Region<Int32>)
  private let scores: Region<Float>  // [width][cardinality]
  private let values: Region<Float>  // of the best sums so far, in descending order
  private let places: Region<Int32>  // and where each stands in `scores`

  /// - Parameter codebooks: one or more, all of one size.
  init(_ codebooks: [Codebook], width: Int, _ plan: inout MemoryPlan) {
    self.width = width
    self.codebooks = codebooks
    dimension = codebooks[0].entries.columns
    cardinality = codebooks[0].entries.rows
    residuals = (
      plan.reserve(Float.self, width * dimension), plan.reserve(Float.self, width * dimension)
    )
    paths = (
      plan.reserve(Int32.self, width * codebooks.count), plan.reserve(Int32.self, width * codebooks.count)
    )
    scores = plan.reserve(Float.self, width * cardinality)
    values = plan.reserve(Float.self, width)
    places = plan.reserve(Int32.self, width)
  }

  /// Where the caller writes the vector to quantize.
  func input(_ scratch: MemoryView) -> UnsafeMutablePointer<Float> { scratch[residuals.0] }

  /// Finds codes for the input.
  func callAsFunction(
    into codes: UnsafeMutablePointer<Int32>, _ scratch: MemoryView, _ workers: Workers
  ) {
    let levels = codebooks.count
    var (left, next) = (scratch[residuals.0], scratch[residuals.1])
    var (path, nextPath) = (scratch[paths.0], scratch[paths.1])
    let places = scratch[places]
    var living = 1
    // By index: iterating over large structs allocates in unoptimized builds.
    for level in codebooks.indices {
      let codebook = codebooks[level]
      // Minus half the squared distance, without the term -|r|^2 / 2 of the sum itself: r.e - |e|^2 / 2.
      codebook.search.multiply(
        left, xStride: dimension, into: scratch[scores], yStride: cardinality, count: living,
        bias: codebook.negativeHalfNorms.base, workers)
      let kept = keepBest(of: living, left, scratch)
      for rank in 0..<kept {
        let (parent, code) = (Int(places[rank]) / cardinality, Int(places[rank]) % cardinality)
        let (before, after) = (left + parent * dimension, next + rank * dimension)
        let entry = codebook.entries.row(code)
        for i in 0..<dimension { after[i] = before[i] - entry[i] }
        (nextPath + rank * levels).update(from: path + parent * levels, count: level)
        nextPath[rank * levels + level] = Int32(code)
      }
      (left, next) = (next, left)
      (path, nextPath) = (nextPath, path)
      living = kept
    }
    codes.update(from: path, count: levels)
  }

  /// Writes the best values and their places in descending order, the first of equals first, and returns their number.
  private func keepBest(of living: Int, _ left: UnsafeMutablePointer<Float>, _ scratch: MemoryView) -> Int {
    let (scores, values, places) = (scratch[scores], scratch[values], scratch[places])
    var kept = 0
    for sum in 0..<living {
      let residual = left + sum * dimension
      // The term |r|^2 of a single sum is the same for all entries; adding it would only cost precision.
      var energy: Float = 0
      if living > 1 { for i in 0..<dimension { energy += residual[i] * residual[i] } }
      let row = scores + sum * cardinality
      for code in 0..<cardinality {
        let value = row[code] - energy / 2
        if kept == width, !(value > values[width - 1]) { continue }
        if kept < width { kept += 1 }
        var rank = kept - 1
        while rank > 0, value > values[rank - 1] {
          values[rank] = values[rank - 1]
          places[rank] = places[rank - 1]
          rank -= 1
        }
        values[rank] = value
        places[rank] = Int32(sum * cardinality + code)
      }
    }
    return kept
  }
}
