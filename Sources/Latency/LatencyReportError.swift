internal import Base
internal import Glibc

/// What can be wrong with a directory of latency logs.
package enum LatencyReportError: Error, Equatable, Sendable {
  /// There is no such file.
  case missing(path: String)
  /// The file exists but cannot be read; `code` is the errno.
  case unreadable(path: String, code: Int32)
  /// A file of an earlier run would be overwritten.
  case exists(path: String)
  /// The file cannot be created or written; `code` is the errno.
  case unwritable(path: String, code: Int32)
  /// The line of column names is not the one that this program writes; `column` counts from 1.
  case badHeader(path: String, line: Int, column: Int, expected: String, found: String)
  /// A row has the wrong number of fields.
  case badWidth(path: String, line: Int, expected: Int, found: Int)
  /// A field is not a value of its column.
  case badField(path: String, line: Int, column: String, found: String)
  /// The summary is not one that this program writes.
  case badSummary(path: String)
  /// The summary, or a value that follows from other columns, contradicts the logs.
  case mismatch(directory: String, [LatencyMismatch])
}

extension LatencyReportError {
  /// Runs a body that reads or writes a log, and converts file errors to errors of this type.
  static func files<Result>(
    _ body: () throws(FileError) -> Result
  ) throws(LatencyReportError) -> Result {
    do throws(FileError) { return try body() } catch {
      throw switch error {
      case .cannotOpen(let path, ENOENT): .missing(path: path)
      case .cannotOpen(let path, let code), .cannotRead(let path, let code):
        .unreadable(path: path, code: code)
      case .cannotCreate(let path, EEXIST): .exists(path: path)
      case .cannotCreate(let path, let code), .cannotWrite(let path, let code):
        .unwritable(path: path, code: code)
      }
    }
  }
}

/// One value that contradicts the logs.
package struct LatencyMismatch: Equatable, Sendable {
  /// Where it is: a file and a path in it, such as `latency.json: stages.encode_ms.p50`.
  package let place: String
  package let expected: String
  package let found: String

  package init(place: String, expected: String, found: String) {
    (self.place, self.expected, self.found) = (place, expected, found)
  }
}
