internal import Base
import FoundationEssentials

extension LatencySummary {
  /// The text of `latency.json`: keys in order, names as in the tables.
  package var json: String {
    guard let text = try? JSON.text(self, isPretty: true) else {
      preconditionFailure("every number is finite")
    }
    return text
  }

  /// `nil` for text that is not a summary.
  package init?(json: String) {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    guard let summary = try? decoder.decode(LatencySummary.self, from: Data(json.utf8)) else { return nil }
    self = summary
  }

  /// What `found` says otherwise, place by place.
  func differences(_ found: LatencySummary, file: String) -> [LatencyMismatch] {
    let (expected, found) = (leaves, found.leaves)
    return Set(expected.keys).union(found.keys).sorted().compactMap { path in
      guard expected[path] != found[path] else { return nil }
      return LatencyMismatch(
        place: "\(file): \(path)", expected: expected[path] ?? "", found: found[path] ?? "")
    }
  }

  private var leaves: [String: String] {
    var result: [String: String] = [:]
    let tree = try? JSONDecoder().decode(JSONTree.self, from: Data(json.utf8))
    tree?.leaves("", into: &result)
    return result
  }
}
