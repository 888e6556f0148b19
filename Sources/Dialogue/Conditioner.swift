internal import Checkpoint
internal import Kernels
internal import Layers

/// The vectors of one condition's values: table, projection, and a learnt vector for "not said".
struct Conditioner: Sendable {
  let name: String
  private let vectors: [String: [Float]]
  private let unsaid: [Float]

  init(
    _ scope: Scope, _ condition: DialogueConfiguration.Condition, width: Int, _ workers: Workers
  ) throws(CheckpointError) {
    let table = try scope.table("embed.weight", condition.bins + 1, condition.width)
    let project = try Linear(scope["output_proj"], inputs: condition.width, outputs: width)
    name = condition.name
    let padding = try scope.vector("learnt_padding", width)
    unsaid = (0..<width).map { padding[$0] }
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

  /// Adds the value's vector to `sum`; nil is "not said". False where the value is unknown.
  func add(_ value: String?, to sum: UnsafeMutablePointer<Float>) -> Bool {
    guard let vector = value.map({ vectors[$0] }) ?? unsaid else { return false }
    for (index, element) in vector.enumerated() { sum[index] += element }
    return true
  }
}
