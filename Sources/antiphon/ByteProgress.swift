import Base
import Runtime

/// A line that tells how far long work on bytes is. It is drawn on a terminal only, ten times a second at most.
struct ByteProgress {
  private let isDrawn: Bool
  private var drawn: Int64 = 0

  init(isDrawn: Bool = Terminal.isTerminal) { self.isDrawn = isDrawn }

  /// `done` bytes of `total` are done of what `work` says.
  mutating func show(_ work: String, _ done: Int, of total: Int) {
    guard isDrawn else { return }
    let now = MonotonicClock.microseconds
    guard now - drawn >= 100_000 else { return }
    drawn = now
    Terminal.error("\r\u{1B}[K" + Self.line(work, done, of: total))
  }

  /// Takes the line away.
  func clear() {
    if isDrawn { Terminal.error("\r\u{1B}[K") }
  }

  static func line(_ work: String, _ done: Int, of total: Int) -> String {
    "  \(work): \(Figures.bytes(done)) of \(Figures.bytes(total)) (\(total > 0 ? min(done * 100 / total, 100) : 100) %)"
  }
}
