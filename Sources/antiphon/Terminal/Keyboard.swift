import Glibc

/// Reads single keys of a terminal as they are pressed. Closing it restores the terminal's settings.
struct Keyboard {
  private var before = termios()

  /// Nil if standard input is not a terminal.
  init?() {
    guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1, tcgetattr(STDIN_FILENO, &before) == 0
    else { return nil }
    var raw = before
    // Keys arrive at once and are not echoed; Ctrl-C is still a signal, and line ends are not translated.
    raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
    tcsetattr(STDIN_FILENO, TCSANOW, &raw)
  }

  mutating func close() {
    tcsetattr(STDIN_FILENO, TCSANOW, &before)
  }

  /// The next key, or nil if none is pressed in time.
  func key(milliseconds: Int32) -> Character? {
    var descriptor = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    guard poll(&descriptor, 1, milliseconds) > 0 else { return nil }
    var byte: UInt8 = 0
    return read(STDIN_FILENO, &byte, 1) == 1 ? Character(Unicode.Scalar(byte)) : nil
  }
}
