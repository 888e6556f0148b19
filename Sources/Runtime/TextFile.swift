import Glibc

/// Whole text files in and out, and text added to a file as it is made.
package struct TextFile: ~Copyable {
  package let path: String
  private let descriptor: Int32

  /// Makes a new, empty file. An existing one is an error unless `overwrite`.
  package static func create(_ path: String, overwrite: Bool) throws(LatencyReportError) -> TextFile {
    let flags = O_WRONLY | O_CREAT | O_CLOEXEC | (overwrite ? O_TRUNC : O_EXCL)
    let descriptor = open(path, flags, 0o644)
    guard descriptor >= 0 else {
      throw errno == EEXIST ? .exists(path: path) : .unwritable(path: path, code: errno)
    }
    return TextFile(path: path, descriptor: descriptor)
  }

  private init(path: String, descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// Adds text at the end. What is written is safe from a crash of this process.
  package func append(_ text: String) throws(LatencyReportError) {
    var text = text
    let code = text.withUTF8 { bytes -> Int32 in
      var done = 0
      while done < bytes.count {
        let count = Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
        if count < 0 && errno == EINTR { continue }
        if count < 0 { return errno }
        done += count
      }
      return 0
    }
    if code != 0 { throw .unwritable(path: path, code: code) }
  }

  /// The whole text of a file. Bytes that are not UTF-8 become replacement characters.
  package static func read(_ path: String) throws(LatencyReportError) -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw errno == ENOENT ? .missing(path: path) : .unreadable(path: path, code: errno)
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      if count < 0 { throw .unreadable(path: path, code: errno) }
      if count == 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes += buffer[..<count]
    }
  }
}
