import Base
import Glibc

/// Text for a person, straight to the descriptor.
enum Terminal {
  /// A result, to standard output.
  static func print(_ text: String) { write(STDOUT_FILENO, text + "\n") }

  /// A remark, to standard error, so that a result on standard output stays clean.
  static func remark(_ text: String) { write(STDERR_FILENO, text + "\n") }

  /// Text as it is, to standard error.
  static func error(_ text: String) { write(STDERR_FILENO, text) }

  /// Text as it is, to standard output.
  static func raw(_ text: String) { write(STDOUT_FILENO, text) }

  static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  private static func write(_ descriptor: Int32, _ text: String) {
    var text = text
    text.withUTF8 { bytes in
      _ = OutputFile.write(UnsafeRawBufferPointer(bytes), to: descriptor)
    }
  }
}
