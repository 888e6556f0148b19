import Glibc

/// Reads a sound between its samples: a table of short band-limited filters, one for every 64th of a sample.
struct FractionalDelay: Sendable {
  /// Samples on either side of the place that is read.
  static let reach = 8
  private static let phases = 64
  private let table: [Float]  // (phases + 1, 2 * reach)

  init() {
    table = (0...Self.phases).flatMap { phase in
      (0..<2 * Self.reach).map { tap in
        let distance = Double(tap - Self.reach + 1) - Double(phase) / Double(Self.phases)
        let angle = Double.pi * distance
        let window = 0.5 + 0.5 * cos(angle / Double(Self.reach))
        return Float((distance == 0 ? 1 : sin(angle) / angle) * window)
      }
    }
  }

  /// The sound at `position`, counted in samples of `sound`; needs `reach` samples on either side.
  func read(_ sound: UnsafePointer<Float>, at position: Double) -> Float {
    let whole = Int(position.rounded(.down))
    let phase = Int(((position - Double(whole)) * Double(Self.phases)).rounded())
    let start = sound + (whole - Self.reach + 1)
    let row = phase * 2 * Self.reach
    var sum: Float = 0
    for tap in 0..<2 * Self.reach { sum += start[tap] * table[row + tap] }
    return sum
  }
}
