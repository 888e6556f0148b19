/// Where sound comes from: a file, a microphone, a generator. Used by one thread at a time.
public protocol AudioSource: AnyObject, Sendable {
  /// Length in seconds, if it is known beforehand.
  var duration: Double? { get }
  /// How many samples were not finite numbers (or absurdly large) and were replaced by silence.
  var invalidSamples: Int { get }
  /// Why the sound ended early, once `read` has returned 0; nil after a proper end.
  var failure: (any Error)? { get }

  /// Fills `frame` with mono samples at 24 kHz. Never throws, and never allocates once running.
  ///
  /// - Returns: how many samples are valid, counted from the start; the rest is set to 0. 0 means the end.
  func read(into frame: inout MutableSpan<Float>) -> Int
}

extension AudioSource {
  public var duration: Double? { nil }
  public var invalidSamples: Int { 0 }
  public var failure: (any Error)? { nil }
}
