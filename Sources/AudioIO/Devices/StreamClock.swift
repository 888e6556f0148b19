import Synchronization

/// When each sample of a stream passes the converter: a straight line from sample index to time.
///
/// One thread observes, any thread reads. Observations jitter, so the line follows them through a second-order loop; a
/// jump starts a new line.
package final class StreamClock: @unchecked Sendable {
  /// A jump beyond this is an interruption, not jitter.
  private static let jump = 0.03  // seconds

  // Written only by the observer.
  private var isRunning = false
  private var observations = 0.0
  private var index = 0.0
  private var seconds = 0.0
  private var period: Double  // seconds per sample
  private var variance = 0.0  // of the observations around the line, over roughly the last two seconds
  private let nominal: Double
  private var origin: UInt64 = 0

  // What readers see, guarded by a version number that is odd during an update.
  private let version = Atomic<UInt64>(0)
  private let sharedIndex = Atomic<UInt64>(0)
  private let sharedNanoseconds = Atomic<UInt64>(0)
  private let sharedPeriod = Atomic<UInt64>(0)
  private let sharedJitter = Atomic<UInt64>(0)
  private let restartCount = Atomic<Int>(0)

  package init(sampleRate: Double = Double(AudioFrame.sampleRate)) {
    nominal = 1 / sampleRate
    period = nominal
  }

  /// Observer: sample `index` passes at `nanoseconds`.
  package func observe(_ index: Double, at nanoseconds: UInt64) {
    if !isRunning { origin = nanoseconds }
    // A device may report anything; within thirty years the arithmetic is safe.
    let measured = min(max((Double(nanoseconds) - Double(origin)) * 1e-9, -1e9), 1e9)
    let step = index - self.index
    let predicted = seconds + step * period
    let error = measured - predicted
    if !isRunning || step < 0 || abs(error) > Self.jump {
      isRunning = true
      observations = 1
      seconds = measured
      period = nominal
    } else {
      observations += 1
      let n = observations
      variance += max(min(0.5 * step * nominal, 0.5), 1 / n) * (error * error - variance)
      // The loop's bandwidth is 0.1 Hz, whatever the interval between observations. Until it has settled, a
      // least-squares line through all of them is used, whose slope is trusted once it spans half a second.
      let omega = min(2 * Double.pi * 0.1 * step * nominal, 0.5)
      let isShort = n * step * nominal < 0.5
      seconds = predicted + max(1.414 * omega, isShort ? 1 / n : 2 * (2 * n - 1) / (n * (n + 1))) * error
      if step > 0, !isShort { period += max(omega * omega, 6 / (n * (n + 1))) * error / step }
      // No crystal is further off, so anything beyond this is jitter.
      period = min(max(period, nominal * 0.99), nominal * 1.01)
    }
    self.index = index
    publish()
  }

  /// Observer: the next observation starts a new line.
  package func restart() {
    isRunning = false
    restartCount.add(1, ordering: .relaxed)
  }

  /// How often the stream was interrupted.
  package var restarts: Int { restartCount.load(ordering: .relaxed) }

  /// How far the observations scatter around the line, in seconds: microseconds for a card, milliseconds for a sound
  /// server.
  package var jitter: Double { Double(bitPattern: sharedJitter.load(ordering: .relaxed)) }

  private func publish() {
    version.add(1, ordering: .acquiringAndReleasing)
    sharedIndex.store(index.bitPattern, ordering: .relaxed)
    sharedNanoseconds.store(origin &+ UInt64(bitPattern: Int64(seconds * 1e9)), ordering: .relaxed)
    sharedPeriod.store(period.bitPattern, ordering: .relaxed)
    sharedJitter.store(variance.squareRoot().bitPattern, ordering: .relaxed)
    version.add(1, ordering: .acquiringAndReleasing)
  }

  private func line() -> (index: Double, nanoseconds: UInt64, period: Double)? {
    // The observer's update takes some ten nanoseconds.
    for _ in 0..<100 {
      let before = version.load(ordering: .acquiring)
      if before == 0 { return nil }
      let index = Double(bitPattern: sharedIndex.load(ordering: .acquiring))
      let nanoseconds = sharedNanoseconds.load(ordering: .acquiring)
      let period = Double(bitPattern: sharedPeriod.load(ordering: .acquiring))
      if before & 1 == 0, version.load(ordering: .acquiring) == before {
        return (index, nanoseconds, period)
      }
    }
    return nil
  }

  /// When sample `index` passes; nil before the first observation.
  package func nanoseconds(at index: Double) -> UInt64? {
    guard let line = line() else { return nil }
    return line.nanoseconds &+ UInt64(bitPattern: Int64((index - line.index) * line.period * 1e9))
  }

  /// Which sample passes at a given time; nil before the first observation.
  package func index(at nanoseconds: UInt64) -> Double? {
    guard let line = line() else { return nil }
    let difference = Double(Int64(bitPattern: nanoseconds &- line.nanoseconds))
    return line.index + difference * 1e-9 / line.period
  }

  /// How much faster than its nominal rate the stream runs, in parts per million.
  package var partsPerMillion: Double { line().map { (nominal / $0.period - 1) * 1e6 } ?? 0 }
}
