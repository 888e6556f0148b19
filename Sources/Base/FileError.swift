/// What the system refused to do with a file.
package struct FileError: Error, Equatable, Sendable {
  /// What was tried.
  package enum Action: String, Sendable {
    case open, create, read, write
  }

  package let action: Action
  package let path: String
  /// The system's error number.
  package let code: Int32

  package init(_ action: Action, _ path: String, code: Int32) {
    self.action = action
    self.path = path
    self.code = code
  }
}
