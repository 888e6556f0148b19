import Base
import Runtime

/// A line that shows the progress of long work on sound. It is drawn only on a terminal, at most ten times a second.
struct Progress {
  private let total: Double?
  private let isDrawn: Bool
  private let started = MonotonicClock.microseconds
  private var drawn: Int64 = 0

  /// - Parameter total: seconds of sound to process, if known.
  init(total: Double?, isDrawn: Bool = Terminal.isTerminal) {
    self.total = total
    self.isDrawn = isDrawn
  }

  /// Reports that `seconds` of sound are done.
  mutating func show(_ seconds: Double) {
    guard isDrawn else { return }
    let now = MonotonicClock.microseconds
    guard now - drawn >= 100_000 else { return }
    drawn = now
    Terminal.error("\r\u{1B}[K" + Self.line(seconds, of: total, after: Double(now - started) / 1e6))
  }

  /// Erases the line.
  func clear() {
    if isDrawn { Terminal.error("\r\u{1B}[K") }
  }

  static func line(_ seconds: Double, of total: Double?, after elapsed: Double) -> String {
    var line = "  \(NumberText.fixed(seconds, 1)) s"
    if let total, total > 0 {
      line += " of \(NumberText.fixed(total, 1)) s (\(min(Int(seconds / total * 100), 100)) %)"
    }
    if elapsed > 0.2 { line += ", \(NumberText.fixed(seconds / elapsed, 1)) times real time" }
    return line
  }
}

/// A line that shows the progress of long work on bytes. It is drawn only on a terminal, at most ten times a second.
struct ByteProgress {
  private let isDrawn: Bool
  private var drawn: Int64 = 0

  init(isDrawn: Bool = Terminal.isTerminal) { self.isDrawn = isDrawn }

  /// Reports that `done` of `total` bytes of `work` are done.
  mutating func show(_ work: String, _ done: Int, of total: Int) {
    guard isDrawn else { return }
    let now = MonotonicClock.microseconds
    guard now - drawn >= 100_000 else { return }
    drawn = now
    Terminal.error("\r\u{1B}[K" + Self.line(work, done, of: total))
  }

  /// Erases the line.
  func clear() {
    if isDrawn { Terminal.error("\r\u{1B}[K") }
  }

  static func line(_ work: String, _ done: Int, of total: Int) -> String {
    "  \(work): \(NumberText.bytes(done)) of \(NumberText.bytes(total)) (\(total > 0 ? min(done * 100 / total, 100) : 100) %)"
  }
}
