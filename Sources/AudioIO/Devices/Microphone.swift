/// Sound that comes in by itself, mono at 24 kHz: what a live session needs of a microphone. One thread reads it.
package protocol Microphone: AnyObject, Sendable {
  /// How many samples wait.
  var count: Int { get }
  /// Index in the stream of the next sample that `read` gives.
  var position: Int { get }
  /// How often the device ran over.
  var overruns: Int { get }
  /// Takes the oldest samples, at most as many as `block` holds; returns how many.
  func read(into block: inout MutableSpan<Float>) -> Int
  /// Forgets the oldest samples, at most `limit`; returns how many there were.
  func skip(_ limit: Int) -> Int
  /// When a sample of the stream was captured, on `MonotonicClock`; nil while that is not known.
  func captureTime(of index: Int) -> UInt64?
}

extension ALSACapture: Microphone {
  package var overruns: Int { counts.xruns }
  package func captureTime(of index: Int) -> UInt64? { clock.nanoseconds(at: Double(index)) }
}
