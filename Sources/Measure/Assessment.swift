/// Whether a machine runs one model with one number of bits per weight.
package struct Assessment: Encodable {
  package enum Verdict: String, Encodable {
    /// In real time, with a fifth of the frame to spare for other programs.
    case yes
    /// In real time, if no other program is busy.
    case barely
    case tooSlow = "too slow"
    case tooLarge = "too large for the memory"
  }

  package let bits: Int
  /// Bytes of weights that a frame reads.
  package let weightBytes: Int
  /// Bytes of memory for weights, tables, one conversation and the codec.
  package let memoryBytes: Int
  /// Milliseconds of one frame: the step with a full window, and the codec both ways.
  package let stepMs: Double
  package let codecMs: Double
  package let verdict: Verdict

  /// Milliseconds that a frame lasts.
  package static let frameMs = 80.0
  /// The share of them that a frame may take, so that some is left for other programs.
  package static let enough = 0.8

  package var milliseconds: Double { stepMs + codecMs }

  /// - Parameters:
  ///   - step: seconds of the step.
  ///   - codec: seconds of the codec, both ways.
  ///   - needed: bytes of memory that the model needs.
  ///   - memory: bytes of memory that the machine has.
  package init(_ work: StepWork, step: Double, codec: Double, needed: Int, memory: Int) {
    let total = (step + codec) * 1000
    bits = work.bits
    weightBytes = work.weightBytes
    memoryBytes = needed
    (stepMs, codecMs) = (step * 1000, codec * 1000)
    verdict =
      needed > memory * 9 / 10
      ? .tooLarge
      : total <= Self.frameMs * Self.enough ? .yes : total <= Self.frameMs ? .barely : .tooSlow
  }
}
