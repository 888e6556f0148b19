internal import Glibc

/// Reads and writes whole files.
package enum TextFile {
  /// The whole text of a file. Bytes that are not UTF-8 become replacement characters.
  package static func read(_ path: String) throws(FileError) -> String {
    let descriptor = FileSystem.open(path, O_RDONLY)
    guard descriptor >= 0 else { throw FileError.cannotOpen(path: path, code: errno) }
    defer { close(descriptor) }
    return String(decoding: try bytes(descriptor, path), as: UTF8.self)
  }

  /// All bytes up to the end of an open file or pipe.
  ///
  /// - Parameter limit: more bytes are an error: a device may give them without end.
  package static func bytes(
    _ descriptor: Int32, _ path: String, limit: Int = .max
  ) throws(FileError) -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      if count < 0 { throw FileError.cannotRead(path: path, code: errno) }
      if count == 0 { return bytes }
      bytes += buffer[..<count]
      if bytes.count > limit { throw FileError.cannotRead(path: path, code: EFBIG) }
    }
  }

  /// Writes a whole file; an existing one stays until the new one is complete.
  package static func write(_ text: String, to path: String) throws(FileError) {
    try OutputFile.whole(path) { file throws(FileError) in try file.write(text) }
  }
}
