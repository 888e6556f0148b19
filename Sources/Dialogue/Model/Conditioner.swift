internal import Checkpoint
internal import Kernels
internal import Layers

/// The vectors of one condition's values: rows of a table, projected, and a learnt vector for "not given".
struct Conditioner: Sendable {
  let name: String
  /// The values that are known, in the order of the configuration.
  let values: [String]
  /// The value that is used unless one is chosen; nil is "not given".
  let usual: String?
  private let vectors: [String: [Float]]
  private let missing: [Float]

  init(
    _ scope: Scope, _ condition: DialogueConfiguration.Condition, width: Int, _ workers: Workers
  ) throws(CheckpointError) {
    let table = try scope.table("embed.weight", condition.bins + 1, condition.width)
    let project = try Linear(scope["output_proj"], inputs: condition.width, outputs: width)
    name = condition.name
    values = Array(condition.values.prefix(condition.bins))
    usual = condition.usual
    let padding = try scope.vector("learnt_padding", width)
    missing = (0..<width).map { padding[$0] }
    var vectors: [String: [Float]] = [:]
    for (index, value) in condition.values.enumerated() where index < condition.bins {
      var row = [Float](repeating: 0, count: condition.width)
      var vector = [Float](repeating: 0, count: width)
      table.add(row: index, to: &row)
      project(row, into: &vector, count: 1, workers)
      vectors[value] = vector
    }
    self.vectors = vectors
  }

  /// Adds the value's vector to `sum`; nil, or a value that is not one of `values`, is "not given".
  ///
  /// - Parameter sum: [width]
  func add(_ value: String?, to sum: UnsafeMutablePointer<Float>) {
    let vector = value.flatMap { vectors[$0] } ?? missing
    for (index, element) in vector.enumerated() { sum[index] += element }
  }
}
