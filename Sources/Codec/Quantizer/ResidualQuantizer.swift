internal import Checkpoint
internal import Kernels
internal import Layers

/// Split residual vector quantizer (Moshi, 3.2.2): one semantic codebook beside a chain of acoustic ones, each side
/// with its own projections, both from the same latent.
struct ResidualQuantizer: Sendable {
  private let first: ResidualChain
  private let rest: ResidualChain?
  /// Codebooks in the file.
  let available: Int
  /// Codebooks in use.
  let count: Int
  let cardinality: Int
  let width: Int
  /// Bytes of weights read to encode one latent.
  let bytes: Int

  /// - Parameters:
  ///   - count: codebooks to use; nil for all in the file.
  ///   - beam: beam width of the search for acoustic codes; 1 is greedy.
  init(
    _ scope: Scope, width: Int, count wanted: Int?, beam: Int, encoder: inout HalfPlan,
    decoder: inout HalfPlan
  ) throws(CheckpointError) {
    var available = 1
    while scope.hasAny(below: "rvq_rest.vq.layers.\(available - 1)") { available += 1 }
    let count = min(wanted ?? available, available)
    first = try ResidualChain(
      scope["rvq_first"], width: width, count: 1, beam: 1, &encoder.scratch, &decoder.scratch)
    rest =
      count > 1
      ? try ResidualChain(
        scope["rvq_rest"], width: width, count: count - 1, beam: beam, &encoder.scratch, &decoder.scratch)
      : nil
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
