import Glibc

/// Single keys of a terminal, as they are struck. The terminal is as before once it is closed.
struct Keyboard {
  private var before = termios()

  /// nil when nobody sits there.
  init?() {
    guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1, tcgetattr(STDIN_FILENO, &before) == 0
    else { return nil }
    var raw = before
    // Keys come at once and unseen; Ctrl-C still is a signal, and line ends stay line ends.
    raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
    tcsetattr(STDIN_FILENO, TCSANOW, &raw)
  }

  mutating func close() {
    tcsetattr(STDIN_FILENO, TCSANOW, &before)
  }

  /// The next key, or nil when none comes in time.
  func key(milliseconds: Int32) -> Character? {
    var descriptor = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    guard poll(&descriptor, 1, milliseconds) > 0 else { return nil }
    var byte: UInt8 = 0
    return read(STDIN_FILENO, &byte, 1) == 1 ? Character(Unicode.Scalar(byte)) : nil
  }
}
