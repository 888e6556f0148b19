internal import Glibc

/// A file that is written at places, and read again.
final class OutputBytes {
  private let path: String
  private let descriptor: Int32

  /// - Parameter isNew: whether what is there is thrown away.
  init(_ path: String, isNew: Bool) throws(CheckpointError) {
    self.path = path
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | (isNew ? O_TRUNC : 0), 0o644)
    guard descriptor >= 0 else { throw .cannotWrite(file: path, code: errno) }
  }

  deinit { close(descriptor) }

  /// Bytes that are there by now.
  var byteCount: Int {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(CheckpointError) {
    var done = 0
    while done < bytes.count {
      let count = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw .cannotWrite(file: path, code: count < 0 ? errno : ENOSPC) }
      done += count
    }
  }

  func write(_ bytes: [UInt8], at offset: Int) throws(CheckpointError) {
    var failure: CheckpointError?
    bytes.withUnsafeBytes { bytes in
      do throws(CheckpointError) { try write(bytes, at: offset) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// Everything is on the disk, and is read from there next time.
  func sync() throws(CheckpointError) {
    guard fsync(descriptor) == 0 else { throw .cannotWrite(file: path, code: errno) }
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
  }

  func read(
    at offset: Int, count: Int, _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(CheckpointError) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 64)
    defer { buffer.deallocate() }
    var done = 0
    while done < count {
      let got = pread(descriptor, buffer.baseAddress! + done, count - done, off_t(offset + done))
      if got < 0 && errno == EINTR { continue }
      if got == 0 { throw .truncated(file: path, expected: offset + count, found: offset + done) }
      guard got > 0 else { throw .unreadable(file: path, code: errno) }
      done += got
    }
    body(UnsafeRawBufferPointer(start: buffer.baseAddress, count: count))
  }
}
