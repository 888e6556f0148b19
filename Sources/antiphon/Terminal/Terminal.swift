import Base
import Glibc
import Synchronization

/// Writes text to the terminal, directly to the descriptor.
enum Terminal {
  // The error number of the first write to standard output that failed.
  private static let failed = Atomic<Int32>(0)

  /// Writes a result to standard output. `finish` reports the first write that failed.
  static func print(_ text: String) { raw(text + "\n") }

  /// Writes a remark to standard error, so that standard output holds only results.
  static func remark(_ text: String) { write(STDERR_FILENO, text + "\n") }

  /// Writes text unchanged to standard error.
  static func error(_ text: String) { write(STDERR_FILENO, text) }

  /// Writes text unchanged to standard output.
  static func raw(_ text: String) {
    guard failure == 0 else { return }
    failed.store(write(STDOUT_FILENO, text), ordering: .relaxed)
  }

  static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  /// The error number of the first text on standard output that could not be written; 0 while all is well.
  static var failure: Int32 { failed.load(ordering: .relaxed) }

  /// Must be called first. A closed pipe or a file that may not grow then makes a write fail instead of ending the
  /// process, and no file that is opened gets the descriptor of a closed standard stream.
  static func prepare() {
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    for (descriptor, flags) in [
      (STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_WRONLY),
    ]
    where fcntl(descriptor, F_GETFD) < 0 {
      // The lowest free descriptor is this one. Reading and writing it fail; standard error stays silent.
      _ = open("/dev/null", flags)
    }
  }

  /// Closes standard output, because some file systems report a failed write only then.
  ///
  /// - Throws: `CommandError.standardOutput` if anything was lost.
  static func finish() throws(CommandError) {
    if close(STDOUT_FILENO) != 0, errno != EBADF, failure == 0 { failed.store(errno, ordering: .relaxed) }
    if failure != 0 { throw .standardOutput(code: failure) }
  }

  /// Returns 0, or the error number.
  @discardableResult
  private static func write(_ descriptor: Int32, _ text: String) -> Int32 {
    var text = FileSystem.readable(text)
    return text.withUTF8 { bytes in
      OutputFile.write(UnsafeRawBufferPointer(bytes), to: descriptor).code
    }
  }
}
