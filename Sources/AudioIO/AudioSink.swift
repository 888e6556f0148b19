/// Where sound goes: a file, a loudspeaker, memory. Used by one thread at a time.
public protocol AudioSink: AnyObject, Sendable {
  /// Why the sink stopped accepting sound; nil while all is well.
  var failure: (any Error)? { get }

  /// Takes mono samples at 24 kHz. Never throws.
  ///
  /// - Returns: false once the sink can take no more; `failure` then says why.
  @discardableResult
  func write(_ frame: Span<Float>) -> Bool

  /// Takes two channels of equal length. A sink with one channel gets their average.
  @discardableResult
  func write(left: Span<Float>, right: Span<Float>) -> Bool

  /// Completes the output: nothing may be written afterwards.
  func finish() throws(SoundFileError)
}

extension AudioSink {
  public var failure: (any Error)? { nil }
}
