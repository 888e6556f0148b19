internal import Kernels

/// What the decoder remembers of one conversation.
public struct DecoderState: ~Copyable, Sendable {
  var half: HalfState

  /// A copy that shares nothing with this one.
  public borrowing func fork() -> DecoderState { DecoderState(half: half.fork()) }

  /// Becomes what another state of the same codec is; allocates nothing.
  package mutating func copy(_ other: borrowing DecoderState) { half.copy(other.half) }

  /// Bytes this state occupies.
  public var bytes: Int { half.memory.bytes }
}
