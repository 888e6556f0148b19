/// Keeps the depth of a queue between two clocks constant by slight changes of speed.
///
/// A proportional-integral controller: the integral learns how much faster one clock runs than the other, and the
/// proportional term brings the queue back to its target. It is critically damped, so it does not oscillate.
package struct RateController: Sendable {
  /// The largest change of speed: half a percent, a twelfth of a semitone.
  package static let limit = 0.005

  /// The depth to keep, in seconds.
  package let target: Double
  /// How fast to drain the queue, relative to the nominal speed; within 1 ± `limit`.
  package private(set) var stretch = 1.0
  /// The smoothed depth in seconds; the target before the first measurement.
  package private(set) var depth: Double
  /// What the integral has learnt: the producer's clock relative to the consumer's, in parts per million.
  package var driftPartsPerMillion: Double { drift * 1e6 }

  private let naturalFrequency: Double  // rad/s
  private let smoothing: Double  // seconds
  private var drift = 0.0
  private var isSettled = false

  /// - Parameters:
  ///   - naturalFrequency: how quickly an error is corrected, in rad/s.
  ///   - smoothing: over how many seconds measurements are averaged.
  package init(target: Double, naturalFrequency: Double = 0.1, smoothing: Double = 1) {
    precondition(target >= 0 && naturalFrequency > 0 && smoothing > 0)
    self.target = target
    self.naturalFrequency = naturalFrequency
    self.smoothing = smoothing
    depth = target
  }

  /// Takes the depth of the queue, measured at the same point in every cycle.
  ///
  /// - Parameters:
  ///   - measured: seconds.
  ///   - interval: seconds since the last call.
  package mutating func update(measured: Double, interval: Double) {
    precondition(interval > 0)
    if isSettled {
      depth += (measured - depth) * min(interval / (smoothing + interval), 1)
    } else {
      depth = measured
      isSettled = true
    }
    let error = depth - target
    let learnt = drift + naturalFrequency * naturalFrequency * error * interval
    let wanted = 2 * naturalFrequency * error + learnt
    stretch = 1 + min(max(wanted, -Self.limit), Self.limit)
    // At the limit the integral would only wind up.
    if abs(wanted) < Self.limit { drift = learnt }
  }

  /// The queue was cut or padded: what was learnt about the clocks stays, and the average starts afresh.
  package mutating func restart() {
    isSettled = false
    depth = target
    stretch = 1 + drift
  }
}
