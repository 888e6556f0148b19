/// A file operation that the system refused, and its error number.
package enum FileError: Error, Equatable, Sendable {
  /// The file cannot be opened for reading.
  case cannotOpen(path: String, code: Int32)
  /// Reading stopped in the middle.
  case cannotRead(path: String, code: Int32)
  /// The file, or its directory, cannot be created.
  case cannotCreate(path: String, code: Int32)
  /// Writing stopped in the middle.
  case cannotWrite(path: String, code: Int32)

  package var path: String {
    switch self {
    case .cannotOpen(let path, _), .cannotRead(let path, _), .cannotCreate(let path, _),
      .cannotWrite(let path, _):
      path
    }
  }

  package var code: Int32 {
    switch self {
    case .cannotOpen(_, let code), .cannotRead(_, let code), .cannotCreate(_, let code),
      .cannotWrite(_, let code):
      code
    }
  }

  /// The same error, naming another file.
  func named(_ path: String) -> FileError {
    switch self {
    case .cannotOpen(_, let code): .cannotOpen(path: path, code: code)
    case .cannotRead(_, let code): .cannotRead(path: path, code: code)
    case .cannotCreate(_, let code): .cannotCreate(path: path, code: code)
    case .cannotWrite(_, let code): .cannotWrite(path: path, code: code)
    }
  }
}
