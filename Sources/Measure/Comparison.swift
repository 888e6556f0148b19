package import Dialogue
internal import Glibc
internal import Kernels

/// How far one model's predictions diverge from another's on the same conversation: the first draws the tokens, and
/// both are given them.
package struct Comparison: Sendable {
  /// The divergence of the predictions for the frames of one bucket.
  package struct Divergence: Sendable, Equatable {
    package internal(set) var frames = 0
    /// Kullback-Leibler divergence of the second from the first, in nats, summed over the frames.
    package internal(set) var total = 0.0
    /// Frames in which both models find the same token most likely.
    package internal(set) var agreed = 0

    /// Mean divergence per frame, in nats.
    package var mean: Double { frames > 0 ? total / Double(frames) : 0 }
  }

  /// Position of the first frame of each bucket.
  package static let buckets = [0, 64, 256, 1024, 4096]

  /// Text, then each codebook; by bucket.
  package private(set) var rows: [[Divergence]]

  init(rows: Int) {
    self.rows = Array(repeating: Array(repeating: Divergence(), count: Self.buckets.count), count: rows)
  }

  /// Adds the logits of one row of one frame.
  mutating func add(
    row: Int, position: Int, _ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>, _ count: Int
  ) {
    let bucket = Self.buckets.lastIndex { $0 <= position } ?? 0
    let (a, b) = (Self.logSum(first, count), Self.logSum(second, count))
    var divergence = 0.0
    for i in 0..<count {
      let (p, q) = (Double(first[i]) - a, Double(second[i]) - b)
      divergence += exp(p) * (p - q)
    }
    rows[row][bucket].frames += 1
    // A divergence is never negative, but rounding can make it so.
    rows[row][bucket].total += max(divergence, 0)
    if Kernels.largest(first, count) == Kernels.largest(second, count) { rows[row][bucket].agreed += 1 }
  }

  private static func logSum(_ logits: UnsafePointer<Float>, _ count: Int) -> Double {
    let top = Double(logits[Int(Kernels.largest(logits, count))])
    var sum = 0.0
    for i in 0..<count { sum += exp(Double(logits[i]) - top) }
    return top + log(sum)
  }
}

extension Dialogue {
  /// Whether both models hear and speak the same tokens at the same times.
  package func hasStreams(of other: Dialogue) -> Bool {
    let (a, b) = (streams, other.streams)
    return a.own == b.own && a.user == b.user && a.cardinality == b.cardinality && a.delays == b.delays
      && configuration.textOutputs == other.configuration.textOutputs
  }

  /// Runs both models over the same frames.
  ///
  /// - Parameters:
  ///   - other: a model with the same streams.
  ///   - user: the user's codes, [frames][streams.user].
  ///   - seed: of the generator that draws the tokens, with this model's configured sampling.
  ///   - progress: called after each frame with its number; returning false stops.
  package func compare(
    with other: Dialogue, user: [Int32], seed: UInt64, progress: (Int) -> Bool = { _ in true }
  ) -> Comparison {
    precondition(hasStreams(of: other) && user.count % max(streams.user, 1) == 0)
    var comparison = Comparison(rows: 1 + streams.own)
    var mine = DialogueStepper(self)
    var others = DialogueStepper(other)
    var state = makeState(seed: seed)
    var otherState = other.makeState(seed: seed)
    let frames = user.count / max(streams.user, 1)
    var own = [Int32](repeating: 0, count: streams.own)
    for frame in 0..<frames {
      let codes = user.span.extracting(frame * streams.user..<(frame + 1) * streams.user)
      var said = own.mutableSpan
      _ = mine.step(codes, into: &said, &state)
      let tokens = [lastText(state)] + drawnCodes(state)
      _ = others.step(codes, forcing: tokens.span, into: &said, &otherState)
      comparison.add(frame, mine, others, rows: streams.own)
      guard progress(frame + 1) else { break }
    }
    return comparison
  }
}

extension Comparison {
  fileprivate mutating func add(
    _ frame: Int, _ mine: borrowing DialogueStepper, _ others: borrowing DialogueStepper, rows: Int
  ) {
    for row in 0...rows {
      let first = row == 0 ? mine.textLogits : mine.codeLogits(row - 1)
      let second = row == 0 ? others.textLogits : others.codeLogits(row - 1)
      guard let first = first.baseAddress, let second = second.baseAddress else { continue }
      add(
        row: row, position: frame, first, second,
        row == 0 ? mine.textLogits.count : mine.codeLogits(row - 1).count)
    }
  }
}
