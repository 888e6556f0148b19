internal import Kernels

/// What the encoder remembers of one conversation: the tails of its convolutions and its transformer's window.
///
/// It is a value: a new one is a reset, and `fork()` copies one on purpose.
public struct EncoderState: ~Copyable, Sendable {
  var half: HalfState

  /// A copy that shares nothing with this one.
  public borrowing func fork() -> EncoderState { EncoderState(half: half.fork()) }

  /// Bytes this state occupies.
  public var bytes: Int { half.memory.bytes }
}
