internal import Base
internal import Glibc

/// The tensors of an unfinished conversion that are complete: lines of a text file beside it.
struct ConversionJournal {
  struct Done {
    /// Of the tensor's bytes in the new file.
    let sha256: String
    /// With three decimals and an exponent of two digits.
    let error: String

    /// A placeholder as wide as any other value.
    static let unknown = Done(sha256: String(repeating: "0", count: 64), error: "0.000e+00")
  }

  private let path: String
  private(set) var done: [String: Done] = [:]
  private(set) var sourceDigest: String?
  /// Whether nothing has been done yet.
  let isNew: Bool

  /// Resumes an existing journal of the same conversion, or begins a new one.
  init(_ path: String, fingerprint: String) throws(CheckpointError) {
    self.path = path
    var lines: [Substring] = []
    if let file = try? MappedFile(path) {
      let text = withExtendedLifetime(file) { String(decoding: file.bytes, as: UTF8.self) }
      // The process was killed while it wrote a line without an end.
      lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    }
    isNew = lines.first.map(String.init) != fingerprint
    guard !isNew else {
      try Self.write(fingerprint + "\n", to: path, .replaced)
      return
    }
    for line in lines.dropFirst() {
      let words = line.split(separator: " ").map(String.init)
      if words.count == 2, words[0] == "source" { sourceDigest = words[1] }
      if words.count == 3 { done[words[0]] = Done(sha256: words[1], error: words[2]) }
    }
  }

  mutating func note(sourceDigest: String) throws(CheckpointError) {
    self.sourceDigest = sourceDigest
    try Self.write("source \(sourceDigest)\n", to: path, .appended)
  }

  mutating func note(_ tensor: String, _ done: Done) throws(CheckpointError) {
    self.done[tensor] = done
    try Self.write("\(tensor) \(done.sha256) \(done.error)\n", to: path, .appended)
  }

  func remove() { FileSystem.remove(path) }

  private static func write(
    _ text: String, to path: String, _ existing: OutputFile.Existing
  ) throws(CheckpointError) {
    try CheckpointError.writing { () throws(FileError) in
      try OutputFile(path, existing: existing).write(text)
    }
  }
}
