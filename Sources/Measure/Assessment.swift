/// Whether a machine runs one model at one width of weights.
package struct Assessment: Encodable {
  package enum Verdict: String, Encodable {
    /// In real time, with a fifth to spare for what else the machine does.
    case yes
    /// In real time, if nothing else happens.
    case barely
    case tooSlow = "too slow"
    case tooLarge = "too large for the memory"
  }

  package let bits: Int
  /// Bytes of weights that a frame reads.
  package let weightBytes: Int
  /// Bytes that weights, tables, one conversation and the codec take.
  package let memoryBytes: Int
  /// Milliseconds of one frame: the step with a full window, and the codec both ways.
  package let stepMs: Double
  package let codecMs: Double
  package let verdict: Verdict

  /// Milliseconds that a frame lasts.
  package static let frameMs = 80.0
  /// The part of them that a frame may take, so that something is left for what else the machine does.
  package static let enough = 0.8

  package var milliseconds: Double { stepMs + codecMs }

  /// - Parameters:
  ///   - step: seconds of the step.
  ///   - codec: seconds of the codec, both ways.
  ///   - needed: bytes of memory that are needed.
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
