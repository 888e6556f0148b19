internal import Glibc
internal import Kernels

/// How far one model's predictions are from another's on the same conversation: the first draws the tokens, and both
/// hear and say them.
public struct Comparison: Sendable {
  /// Sums over the frames of one bucket.
  public struct Sum: Sendable, Equatable {
    public internal(set) var frames = 0
    /// Kullback-Leibler divergence of the second from the first, in nats, added up.
    public internal(set) var divergence = 0.0
    /// Frames in which both find the same token most likely.
    public internal(set) var agreed = 0

    /// Mean over the frames.
    public var mean: Double { frames > 0 ? divergence / Double(frames) : 0 }
  }

  /// Position of the first frame of each bucket.
  public static let buckets = [0, 64, 256, 1024, 4096]

  /// Text, then each codebook; by bucket.
  public private(set) var streams: [[Sum]]

  init(streams: Int) {
    self.streams = Array(repeating: Array(repeating: Sum(), count: Self.buckets.count), count: streams)
  }

  /// Adds one frame's logits of one stream.
  mutating func add(
    stream: Int, position: Int, _ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>, _ count: Int
  ) {
    let bucket = Self.buckets.lastIndex { $0 <= position } ?? 0
    let (a, b) = (Self.logSum(first, count), Self.logSum(second, count))
    var divergence = 0.0
    for i in 0..<count {
      let (p, q) = (Double(first[i]) - a, Double(second[i]) - b)
      divergence += exp(p) * (p - q)
    }
    streams[stream][bucket].frames += 1
    // It is never negative but for rounding.
    streams[stream][bucket].divergence += max(divergence, 0)
    if Kernels.largest(first, count) == Kernels.largest(second, count) { streams[stream][bucket].agreed += 1 }
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
  public func hasStreams(of other: Dialogue) -> Bool {
    let (a, b) = (streams, other.streams)
    return a.own == b.own && a.user == b.user && a.cardinality == b.cardinality && a.delays == b.delays
      && configuration.textOutputs == other.configuration.textOutputs
  }

  /// Runs both models over the same frames.
  ///
  /// - Parameters:
  ///   - other: a model with the same streams.
  ///   - user: the user's codes, [frames][streams.user].
  ///   - seed: of the generator that draws the tokens, as this model's configuration says.
  ///   - progress: called after each frame with its number; false stops.
  public func compare(
    with other: Dialogue, user: [Int32], seed: UInt64, progress: (Int) -> Bool = { _ in true }
  ) -> Comparison {
    precondition(hasStreams(of: other) && user.count % max(streams.user, 1) == 0)
    var comparison = Comparison(streams: 1 + streams.own)
    var mine = makeState(seed: seed)
    var others = other.makeState(seed: seed)
    let frames = user.count / max(streams.user, 1)
    var tokens = [Int32](repeating: 0, count: 1 + streams.own)
    for frame in 0..<frames {
      step(codes(user, frame), nil, &mine)
      tokens.withUnsafeMutableBufferPointer { tokens in
        tokens[0] = lastText(mine)
        for (index, code) in drawnCodes(mine).enumerated() { tokens[1 + index] = code }
      }
      other.step(codes(user, frame), tokens, &others)
      add(mine, others, other, frame, to: &comparison)
      guard progress(frame + 1) else { break }
    }
    return comparison
  }

  private func codes(_ user: [Int32], _ frame: Int) -> [Int32] {
    Array(user[frame * streams.user..<(frame + 1) * streams.user])
  }

  private func step(_ user: [Int32], _ forced: [Int32]?, _ state: inout DialogueState) {
    var result = DialogueStep(text: 0, isReady: false, times: (0, 0, 0))
    var own = [Int32](repeating: 0, count: streams.own)
    user.withUnsafeBufferPointer { user in
      own.withUnsafeMutableBufferPointer { own in
        withUnsafeMutablePointer(to: &state) { state in
          if let forced {
            forced.withUnsafeBufferPointer {
              advance(
                state, count: 1, user.baseAddress, own.baseAddress, &result, state.pointee.workspace,
                forced: $0.baseAddress)
            }
          } else {
            advance(state, count: 1, user.baseAddress, own.baseAddress, &result, state.pointee.workspace)
          }
        }
      }
    }
  }

  private func add(
    _ mine: borrowing DialogueState, _ others: borrowing DialogueState, _ other: Dialogue, _ frame: Int,
    to comparison: inout Comparison
  ) {
    let (plan, theirs) = (mine.workspace.plan, others.workspace.plan)
    let (scratch, otherScratch) = (mine.workspace.memory.view, others.workspace.memory.view)
    comparison.add(
      stream: 0, position: frame, scratch[plan.textLogits], otherScratch[theirs.textLogits],
      configuration.textOutputs)
    guard let depth = plan.depth, let otherDepth = theirs.depth else { return }
    for row in 0..<streams.own {
      comparison.add(
        stream: 1 + row, position: frame, scratch[depth.logits] + row * depth.capacity * streams.cardinality,
        otherScratch[otherDepth.logits] + row * otherDepth.capacity * streams.cardinality, streams.cardinality
      )
    }
  }
}
