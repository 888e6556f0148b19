/// A source that delivers sound at its own pace, mono at 24 kHz: what a live session needs of a microphone. One thread
/// reads it.
package protocol Microphone: AnyObject, Sendable {
  /// Number of samples waiting.
  var count: Int { get }
  /// Index in the stream of the next sample that `read` returns.
  var position: Int { get }
  /// Number of overruns.
  var overruns: Int { get }
  /// Takes the oldest samples, at most as many as `block` holds; returns how many it took.
  func read(into block: inout MutableSpan<Float>) -> Int
  /// Discards the oldest samples, at most `limit`; returns how many were discarded.
  func skip(_ limit: Int) -> Int
  /// When a sample of the stream was captured, on `MonotonicClock`; nil while that is unknown.
  func captureTime(of index: Int) -> UInt64?
}

extension ALSACapture: Microphone {
  package var overruns: Int { counts.xruns }
  package func captureTime(of index: Int) -> UInt64? { clock.nanoseconds(at: Double(index)) }
}
