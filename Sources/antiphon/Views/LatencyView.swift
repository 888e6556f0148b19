import AudioIO
import Base

/// The result of `latency`. Times are milliseconds.
struct LatencyView: Encodable {
  let sent: Int
  let found: Int
  let xruns: Int
  let median: Double
  let least: Double
  let most: Double
  let queued: Double
  let path: Double
  let capture: Double
  let confidence: Double

  init(_ trips: [ChirpRoundTrip], sent: Int, _ xruns: Int) {
    self.sent = sent
    self.xruns = xruns
    found = trips.count
    func middle(_ value: (ChirpRoundTrip) -> Double) -> Double {
      let sorted = trips.map(value).sorted()
      return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
    }
    median = middle(\.total) * 1000
    least = (trips.map(\.total).min() ?? 0) * 1000
    most = (trips.map(\.total).max() ?? 0) * 1000
    queued = middle(\.queued) * 1000
    path = middle(\.path) * 1000
    capture = middle(\.capture) * 1000
    confidence = middle(\.confidence)
  }

  var text: String {
    guard found > 0 else { return "none of \(sent) chirps came back" }
    func milliseconds(_ value: Double) -> String { NumberText.fixed(value, 1) + " ms" }
    return """
      \(found) of \(sent) chirps came back, \(xruns) xruns
      round trip   \(milliseconds(median))   (\(milliseconds(least)) to \(milliseconds(most)))
        queued     \(milliseconds(queued))   waiting before the loudspeaker
        between    \(milliseconds(path))   from converter to converter: air, cable, what drivers do not tell
        capture    \(milliseconds(capture))   until the microphone has a whole period
      confidence   \(NumberText.fixed(confidence, 1))   (best match to next best; below 1.5 it may be chance)
      """
  }
}
