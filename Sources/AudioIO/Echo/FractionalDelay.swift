import Glibc

/// Interpolates a sound between its samples, band-limited if it is read at a lower rate, with a table of short filters:
/// one for every 64th of a sample.
struct FractionalDelay: Sendable {
  /// Samples on either side of the position that is read.
  let reach: Int
  private static let phases = 64
  private let table: [Float]  // (phases + 1, 2 * reach)

  /// - Parameter ratio: samples of the sound per sample read.
  init(ratio: Double) {
    let scale = min(1, 1 / ratio)
    let reach = Int((8 / scale).rounded(.up))
    self.reach = reach
    table = (0...Self.phases).flatMap { phase in
      (0..<2 * reach).map { tap in
        let distance = Double(tap - reach + 1) - Double(phase) / Double(Self.phases)
        let angle = Double.pi * distance * scale
        let window = 0.5 + 0.5 * cos(Double.pi * distance / Double(reach))
        return Float((distance == 0 ? 1 : sin(angle) / angle) * window * scale)
      }
    }
  }

  /// The sound at `position`, counted in samples of `sound`; needs `reach` samples on either side.
  func read(_ sound: UnsafePointer<Float>, at position: Double) -> Float {
    let whole = Int(position.rounded(.down))
    let phase = Int(((position - Double(whole)) * Double(Self.phases)).rounded())
    let start = sound + (whole - reach + 1)
    let row = phase * 2 * reach
    var sum: Float = 0
    for tap in 0..<2 * reach { sum += start[tap] * table[row + tap] }
    return sum
  }
}
