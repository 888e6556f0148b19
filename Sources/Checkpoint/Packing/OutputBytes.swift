internal import Base
internal import Glibc

/// A file that is written at given offsets and read back.
final class OutputBytes {
  private let path: String
  private let file: OutputFile

  /// - Parameter isNew: whether existing content is discarded.
  init(_ path: String, isNew: Bool) throws(CheckpointError) {
    self.path = path
    file = try CheckpointError.writing { () throws(FileError) in
      try OutputFile(path, existing: isNew ? .replaced : .updated)
    }
  }

  /// Current length of the file in bytes.
  var byteCount: Int { file.byteCount }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(CheckpointError) {
    try CheckpointError.writing { () throws(FileError) in try file.write(bytes, at: offset) }
  }

  func write(_ bytes: [UInt8], at offset: Int) throws(CheckpointError) {
    try CheckpointError.writing { () throws(FileError) in try file.write(bytes, at: offset) }
  }

  /// Flushes everything to the disk and drops it from memory, so that the next read comes from the disk.
  func sync() throws(CheckpointError) {
    try CheckpointError.writing { () throws(FileError) in try file.sync() }
    posix_fadvise(file.descriptor, 0, 0, POSIX_FADV_DONTNEED)
  }

  func read(
    at offset: Int, count: Int, _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(CheckpointError) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 64)
    defer { buffer.deallocate() }
    var done = 0
    while done < count {
      let got = pread(file.descriptor, buffer.baseAddress! + done, count - done, off_t(offset + done))
      if got < 0 && errno == EINTR { continue }
      if got == 0 { throw .truncated(file: path, expected: offset + count, found: offset + done) }
      guard got > 0 else { throw .unreadable(file: path, code: errno) }
      done += got
    }
    body(UnsafeRawBufferPointer(start: buffer.baseAddress, count: count))
  }
}

extension CheckpointError {
  /// Runs a body that writes a file, and converts file errors to errors of this module.
  static func writing<Result>(
    _ body: () throws(FileError) -> Result
  ) throws(CheckpointError) -> Result {
    do throws(FileError) { return try body() } catch {
      throw .cannotWrite(file: error.path, code: error.code)
    }
  }
}
