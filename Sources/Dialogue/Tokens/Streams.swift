package import Checkpoint

/// The one table of a model's rows: text first, then its own codebooks, then the user's; each with its delay.
public struct Streams: Sendable {
  /// Codebooks the model speaks (dep_q).
  public let own: Int
  /// Codebooks it hears (n_q - dep_q).
  public let user: Int
  /// Entries of an audio codebook; this value itself is the initial token.
  public let cardinality: Int
  /// Text pieces; this value itself is the initial token.
  public let textCardinality: Int
  /// Steps between a frame and the step in which its row is generated or heard; text first.
  public let delays: [Int]

  /// Text and all codebooks.
  public var rows: Int { 1 + own + user }
  /// The longest of `delays`, in steps.
  public let maxDelay: Int

  /// Row 0 is text; rows 1... are own codebooks.
  static let text = 0
  var ownRows: Range<Int> { 1..<1 + own }
  var userRows: Range<Int> { 1 + own..<rows }

  /// The token that stands for "nothing yet" in a row.
  func initialToken(_ row: Int) -> Int32 { Int32(row == Self.text ? textCardinality : cardinality) }

  package init(_ fields: Fields, isMoshi7B: Bool = false) throws(CheckpointError) {
    func required(_ name: String, _ usual: Int, _ range: ClosedRange<Int>) throws(CheckpointError) -> Int {
      try fields.integer(name, default: isMoshi7B ? usual : nil, range)
    }
    let all = try required("n_q", 16, 1...256)
    own = try required("dep_q", 8, 0...256)
    guard own <= all else { throw fields.bad("dep_q", "at most n_q, which is \(all)") }
    user = all - own
    cardinality = try required("card", 2048, 1...1_000_000)
    textCardinality = try required("text_card", 32000, 1...10_000_000)
    let acoustic = Array(repeating: 1, count: 7)
    guard
      let delays = try fields.integers("delays", 0...1000)
        ?? (isMoshi7B ? [0, 0] + acoustic + [0] + acoustic : nil),
      delays.count >= all + 1
    else { throw fields.bad("delays", "\(all + 1) integers, text first") }
    self.delays = Array(delays.prefix(all + 1))
    maxDelay = self.delays.max() ?? 0
  }
}
