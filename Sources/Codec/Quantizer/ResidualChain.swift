internal import Checkpoint
internal import Kernels
internal import Layers

/// A residual quantizer: each codebook quantizes the residual that the previous ones leave.
struct ResidualChain: Sendable {
  private let input: Linear  // [dimension, width]
  private let output: Linear  // [width, dimension]
  private let codebooks: [Codebook]
  private let search: BeamSearch
  private let sum: Region<Float>
  let cardinality: Int

  init(
    _ scope: Scope, width: Int, count: Int, beam: Int, _ encoder: inout MemoryPlan,
    _ decoder: inout MemoryPlan
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
    search = BeamSearch(codebooks, width: beam, &encoder)
    sum = decoder.reserve(Float.self, dimension)
  }

  var bytes: Int { codebooks.reduce(input.matrix.bytes) { $0 + $1.search.bytes } }

  func encode(
    _ latent: UnsafePointer<Float>, into codes: UnsafeMutablePointer<Int32>, _ scratch: MemoryView,
    _ workers: Workers
  ) {
    input(latent, into: search.input(scratch), count: 1, workers)
    search(into: codes, scratch, workers)
  }

  func decode(
    _ codes: UnsafeBufferPointer<Int32>, into latent: UnsafeMutablePointer<Float>, accumulate: Bool,
    _ scratch: MemoryView, _ workers: Workers
  ) {
    let sum = scratch[sum]
    sum.update(repeating: 0, count: input.outputs)
    for level in 0..<min(codes.count, codebooks.count) {
      // Codes are checked where they enter; this only protects memory.
      codebooks[level].entries.add(row: min(max(Int(codes[level]), 0), cardinality - 1), to: sum)
    }
    output(sum, into: latent, count: 1, accumulate: accumulate, workers)
  }
}
