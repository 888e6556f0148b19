import Base
import Checkpoint

/// The card of a packed file: its source, and bits and error by module.
struct CardView: Encodable {
  struct Module: Encodable {
    let name: String
    let bits: Int
    let matrices: Int
    /// The largest error of its matrices, relative to the source.
    let error: Double
  }

  let source: String
  let sourceSha256: String
  let bits: Int
  let kept: [String: Int]
  let modules: [Module]

  init(_ card: PackedCard) {
    source = card.source
    sourceSha256 = card.sourceDigest
    bits = card.bits
    kept = card.kept
    struct Key: Hashable {
      let name: String
      let bits: Int
    }
    let groups = Dictionary(grouping: card.tensors) { Key(name: Self.module($0.key), bits: $0.value.bits) }
    modules = groups.map { key, tensors in
      Module(
        name: key.name, bits: key.bits, matrices: tensors.count,
        error: tensors.compactMap { Double($0.value.error) }.max() ?? 0)
    }.sorted { ($0.name, $0.bits) < ($1.name, $1.bits) }
  }

  /// The name without numbers and the components that all modules share: `transformer.layers.3.gating.linear_in.weight`
  /// becomes `transformer.gating`.
  private static func module(_ name: String) -> String {
    let words = name.split(separator: ".").filter {
      $0.first?.isNumber != true && $0 != "layers" && $0 != "weight"
    }
    return words.prefix(2).joined(separator: ".")
  }

  var text: String {
    let names = kept.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    return "packed from \(source) (SHA-256 \(sourceSha256.prefix(12))), \(bits) bits"
      + (names.isEmpty ? "" : ", but \(names.joined(separator: " "))") + "\n"
      + TextTable.text(
        [["  module", "matrices", "bits", "largest error"]]
          + modules.map {
            ["  " + $0.name, "\($0.matrices)", "\($0.bits)", NumberText.fixed($0.error * 100, 2) + " %"]
          })
  }
}
