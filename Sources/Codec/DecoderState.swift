internal import Kernels

/// What the decoder remembers of one conversation.
public struct DecoderState: ~Copyable, Sendable {
  var half: HalfState

  /// A copy that shares nothing with this one.
  public borrowing func fork() -> DecoderState { DecoderState(half: half.fork()) }

  /// Bytes this state occupies.
  public var bytes: Int { half.memory.bytes }
}
