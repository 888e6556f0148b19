import Base
import Runtime

/// A line that tells how far long work is. It is drawn on a terminal only, ten times a second at most.
struct Progress {
  private let total: Double?
  private let isDrawn: Bool
  private let started = MonotonicClock.microseconds
  private var drawn: Int64 = 0

  /// - Parameter total: seconds of sound to work through, when that is known.
  init(total: Double?, isDrawn: Bool = Terminal.isTerminal) {
    self.total = total
    self.isDrawn = isDrawn
  }

  /// `seconds` of sound are done.
  mutating func show(_ seconds: Double) {
    guard isDrawn else { return }
    let now = MonotonicClock.microseconds
    guard now - drawn >= 100_000 else { return }
    drawn = now
    Terminal.error("\r\u{1B}[K" + Self.line(seconds, of: total, after: Double(now - started) / 1e6))
  }

  /// Takes the line away.
  func clear() {
    if isDrawn { Terminal.error("\r\u{1B}[K") }
  }

  static func line(_ seconds: Double, of total: Double?, after elapsed: Double) -> String {
    var line = "  \(Figures.fixed(seconds, 1)) s"
    if let total, total > 0 {
      line += " of \(Figures.fixed(total, 1)) s (\(min(Int(seconds / total * 100), 100)) %)"
    }
    if elapsed > 0.2 { line += ", \(Figures.fixed(seconds / elapsed, 1)) times real time" }
    return line
  }
}
