import Latency

extension Message {
  init(_ error: LatencyReportError) {
    switch error {
    case .missing(let path):
      self.init(
        "There is no file '\(path)'.", "Name a directory that a run with --latency has written.", .noInput)
    case .unreadable(let path, let code):
      self.init("'\(path)' cannot be read: \(Self.reason(code)).", Self.whoMayRead(path), .noInput)
    case .exists(let path):
      self.init(
        "'\(path)' of an earlier run is there already.",
        "Add --overwrite to replace it, or name another directory.",
        .cannotCreate)
    case .unwritable(let path, let code):
      self.init(writing: path, code: code, "Make room, or name a directory that may be written.")
    case .badHeader(let path, let line, let column, let expected, let found):
      self.init(
        "'\(path)', line \(line): column \(column) must be '\(expected)' and is '\(found)'.",
        "The log is of another version or not a log; make it again with --latency.", .badData)
    case .badWidth(let path, let line, let expected, let found):
      self.init(
        "'\(path)', line \(line): \(expected) fields are expected, and there are \(found).",
        "The log was cut or edited; make it again with --latency.", .badData)
    case .badField(let path, let line, let column, let found):
      self.init(
        "'\(path)', line \(line): '\(found)' is not a value of column '\(column)'.",
        "The log was edited; make it again with --latency.", .badData)
    case .badSummary(let path):
      self.init(
        "'\(path)' is not a latency summary.", "The file was cut or edited; make it again with --latency.",
        .badData)
    case .mismatch(let directory, let list):
      let first = list.first.map { "\($0.place) is \($0.found), the logs say \($0.expected)" } ?? ""
      self.init(
        "\(list.count) value\(list.count == 1 ? "" : "s") in '\(directory)' contradict the logs: \(first).",
        "A file was edited or belongs to another run; make them again with --latency.", .checkFailed)
    }
  }
}
