import Glibc

/// The full screen of a terminal, redrawn in one write so that nothing flickers.
struct Screen {
  private let keys: String

  init(keys: String) {
    self.keys = keys
    // Switches to the alternate screen and hides the cursor.
    Terminal.raw("\u{1B}[?1049h\u{1B}[?25l")
  }

  func close() {
    Terminal.raw("\u{1B}[?25h\u{1B}[?1049l")
  }

  func draw(_ status: LiveStatus) {
    var size = winsize()
    let isKnown = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    let lines = Self.lines(
      status, keys: keys, columns: isKnown ? Int(size.ws_col) : 80, rows: isKnown ? Int(size.ws_row) : 24)
    let body = lines.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n")
    // Terminals that support synchronized output show the frame only when it is complete.
    Terminal.raw("\u{1B}[?2026h\u{1B}[H" + body + "\u{1B}[J\u{1B}[?2026l")
  }

  /// The screen: title, meters, transcript, figures, keys.
  static func lines(_ status: LiveStatus, keys: String, columns: Int, rows: Int) -> [String] {
    let seconds = Int(status.seconds)
    let time = "\(seconds / 60):" + (seconds % 60 < 10 ? "0" : "") + "\(seconds % 60)"
    var lines = ["antiphon  \(time)" + (status.isMuted ? "  muted: it hears silence" : ""), ""]
    lines.append("you    " + meter(status.userDecibels, columns - 8))
    lines.append("reply  " + meter(status.ownDecibels, columns - 8))
    lines.append("")
    let foot = wrap(status.figures, columns) + [keys]
    let space = max(rows - lines.count - foot.count - 1, 1)
    let text = wrap(status.transcript, columns).suffix(space)
    lines += text + Array(repeating: "", count: space - text.count + 1)
    return (lines + foot).map { String($0.prefix(columns)) }
  }

  /// A bar from -60 dB to full scale.
  static func meter(_ decibels: Float, _ columns: Int) -> String {
    let width = max(min(columns - 9, 60), 1)
    let filled = max(0, min(width, Int((decibels + 60) / 60 * Float(width))))
    let label = decibels <= -100 ? "silent" : "\(Int(decibels.rounded())) dB"
    return String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled) + " " + label
  }

  static func wrap(_ text: String, _ columns: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, line.count + 1 + word.count > columns {
        lines.append(line)
        line = ""
      }
      line += line.isEmpty ? String(word) : " " + word
    }
    return line.isEmpty ? lines : lines + [line]
  }
}
