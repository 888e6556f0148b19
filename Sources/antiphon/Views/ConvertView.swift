import Base
import Checkpoint
import Runtime

/// The result of `convert`.
struct ConvertView: Encodable {
  let path: String
  let bytes: Int
  let source: String
  let sourceBytes: Int
  let sourceSha256: String
  /// Number of matrices by bits.
  let matrices: [String: Int]
  let largestError: Double
  /// The matrix with the largest error.
  let largestErrorIn: String
  /// Tensors that an earlier, interrupted run had packed.
  let resumed: Int
  /// Peak memory of this process.
  let peakMemoryBytes: Int?
  /// Files that config.json names but the source lacks.
  let missing: [String]

  init(_ card: PackedCard, source: String, sourceBytes: Int, output: String, resumed: Int, missing: [String])
  {
    path = output
    bytes = FileSystem.size(output) ?? 0
    self.source = source
    self.sourceBytes = sourceBytes
    sourceSha256 = card.sourceDigest
    matrices = Dictionary(grouping: card.tensors.values) { String($0.bits) }.mapValues(\.count)
    let worst = card.tensors.max {
      (Double($0.value.error) ?? 0, $1.key) < (Double($1.value.error) ?? 0, $0.key)
    }
    largestError = worst.flatMap { Double($0.value.error) } ?? 0
    largestErrorIn = worst?.key ?? ""
    self.resumed = resumed
    peakMemoryBytes = Host.peakMemory
    self.missing = missing
  }

  var text: String {
    let kinds = matrices.sorted { $0.key > $1.key }.map { "\($0.value) matrices of \($0.key) bits" }
    var lines = [
      "\(path): \(NumberText.bytes(bytes)), from \(NumberText.bytes(sourceBytes)); \(kinds.joined(separator: ", "))"
    ]
    if !largestErrorIn.isEmpty {
      lines.append(
        "largest error \(NumberText.fixed(largestError * 100, 2)) % of the weights, in \(largestErrorIn)")
    }
    lines.append("read again and found equal; peak memory \(NumberText.bytes(peakMemoryBytes ?? 0))")
    if !missing.isEmpty { lines.append("note: the source has no \(missing.joined(separator: ", "))") }
    return lines.joined(separator: "\n")
  }
}
