internal import Glibc

/// Reads and writes whole text files.
package enum TextFile {
  /// The whole text of a file. Bytes that are not UTF-8 become replacement characters.
  package static func read(_ path: String) throws(FileError) -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError.cannotOpen(path: path, code: errno) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      if count < 0 { throw FileError.cannotRead(path: path, code: errno) }
      if count == 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes += buffer[..<count]
    }
  }

  /// Writes a whole file; an existing one stays until the new one is complete.
  package static func write(_ text: String, to path: String) throws(FileError) {
    try OutputFile.whole(path) { file throws(FileError) in try file.write(text) }
  }
}
