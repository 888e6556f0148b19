/// The position in the played sound of the microphone's next block.
///
/// Both devices count their samples exactly, but a sound server reports the time of a sample only to within some
/// milliseconds, and its error drifts. So the two streams are aligned once, and from then on samples are counted. The
/// clocks serve only to measure the difference in speed, once that exceeds their jitter, and to notice that a stream
/// was interrupted. Nothing is allocated after `init`.
struct ReferenceTrack {
  /// Blocks of the microphone per mean (half a second), and means that are kept (two minutes).
  private static let blocksPerMean = 50
  private static let means = 240
  /// No two crystals differ by more, so a larger difference is drift in the reported times.
  private static let limit = 1e-3
  /// An offset beyond this for that many means is an interruption that was not reported.
  private static let tolerance = 0.04  // seconds
  private static let patience = 3

  /// How much faster the loudspeaker's samples pass than the nominal rates imply.
  private(set) var speed = 1.0
  /// How often the two streams were aligned.
  private(set) var alignments = 0

  private let blockSeconds: Double
  private let rate: Double  // of the played sound
  private var position: Double?  // in the played sound, where the next block begins
  private var counted = 0.0  // the same, as if both clocks ran at the same speed
  private var interruptions = -1
  private var settling = 0  // blocks until the clocks are reliable
  private var sum = 0.0
  private var blocks = 0
  private var history: [Double]  // the latest means of clock minus count, in seconds
  private var filled = 0
  private var strays = 0

  /// - Parameters:
  ///   - blockSeconds: duration of one block of the microphone.
  ///   - rate: samples per second of the played sound.
  init(blockSeconds: Double, rate: Double) {
    self.blockSeconds = blockSeconds
    self.rate = rate
    history = [Double](repeating: 0, count: Self.means)
  }

  /// Advances by one block.
  ///
  /// - Parameters:
  ///   - ideal: where the block begins by the clocks; nil if not known.
  ///   - jitter: jitter of the clocks' observations, in seconds.
  ///   - interruptions: a count that changes when one of the streams was interrupted.
  /// - Returns: where the block begins, nil before the first alignment.
  mutating func advance(ideal: Double?, jitter: Double, interruptions: Int) -> Double? {
    if interruptions != self.interruptions {
      self.interruptions = interruptions
      settling = Self.blocksPerMean
    }
    if position == nil, let ideal { (position, counted) = (ideal, ideal) }
    if settling > 0 {
      settling -= 1
      if settling == 0 { align(ideal) }
    } else if let ideal {
      observe(ideal, jitter)
    }
    guard let start = position else { return nil }
    let step = blockSeconds * rate
    position = start + step * speed
    counted += step
    return start
  }

  private mutating func align(_ ideal: Double?) {
    guard let ideal else {
      settling = 1
      return
    }
    position = ideal
    counted = ideal
    (sum, blocks, filled, strays) = (0, 0, 0, 0)
    alignments += 1
  }

  private mutating func observe(_ ideal: Double, _ jitter: Double) {
    sum += (ideal - counted) / rate
    blocks += 1
    guard blocks == Self.blocksPerMean, let position else { return }
    let mean = sum / Double(blocks)
    (sum, blocks) = (0, 0)
    strays = abs(mean - (position - counted) / rate) > Self.tolerance ? strays + 1 : 0
    if strays == Self.patience { return align(ideal) }
    if filled == history.count {
      for index in 1..<filled { history[index - 1] = history[index] }
      filled -= 1
    }
    history[filled] = mean
    filled += 1
    learn(jitter)
  }

  /// Takes the slope of the longest stretch of the history that is a straight line and whose drift exceeds the jitter.
  private mutating func learn(_ jitter: Double) {
    var count = filled
    while count >= 8 {
      let (slope, scatter) = line(count)
      let way = abs(slope) * Double(count)
      if way > max(10 * scatter, 6 * jitter) {
        let drift = slope / (blockSeconds * Double(Self.blocksPerMean))
        if abs(drift) <= Self.limit {
          speed = 1 + drift
          return
        }
      }
      count /= 2
    }
  }

  /// The line through the latest means: its slope per mean, and how far they scatter around it.
  private func line(_ count: Int) -> (slope: Double, scatter: Double) {
    let first = filled - count
    let middle = Double(count - 1) / 2
    var average = 0.0
    for index in 0..<count { average += history[first + index] }
    average /= Double(count)
    var product = 0.0
    var square = 0.0
    for index in 0..<count {
      let place = Double(index) - middle
      product += place * (history[first + index] - average)
      square += place * place
    }
    let slope = product / square
    var rest = 0.0
    for index in 0..<count {
      let difference = history[first + index] - average - slope * (Double(index) - middle)
      rest += difference * difference
    }
    return (slope, (rest / Double(count)).squareRoot())
  }
}
