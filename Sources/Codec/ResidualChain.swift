internal import Checkpoint
internal import Kernels
internal import Layers

/// Codebooks that quantize one after the other what the ones before left over.
struct ResidualChain: Sendable {
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
