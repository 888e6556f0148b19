internal import Glibc

/// A file that is written, and the one place where bytes leave the program.
///
/// What is written is safe from a crash of this process at once, and from one of the machine after `sync`.
package final class OutputFile: @unchecked Sendable {
  /// What happens to a file that is there already.
  package enum Existing: Sendable {
    /// It stays, and making the file fails with EEXIST.
    case refused
    /// It is emptied.
    case replaced
    /// It is kept, and written at places.
    case updated
    /// It is kept, and what is written comes behind it.
    case appended
  }

  package let path: String
  package let descriptor: Int32
  private let isOwned: Bool

  /// - Parameter existing: what happens to a file of that name.
  package init(_ path: String, existing: Existing) throws(FileError) {
    let flags: Int32 =
      switch existing {
      case .refused: O_WRONLY | O_CREAT | O_EXCL
      case .replaced: O_RDWR | O_CREAT | O_TRUNC
      case .updated: O_RDWR | O_CREAT
      case .appended: O_WRONLY | O_CREAT | O_APPEND
      }
    descriptor = open(path, flags | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileError.cannotCreate(path: path, code: errno) }
    self.path = path
    isOwned = true
  }

  /// - Parameter descriptor: that is open already; it stays open.
  package init(_ path: String, descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
    isOwned = false
  }

  deinit { if isOwned { close(descriptor) } }

  /// Bytes that are there by now.
  package var byteCount: Int {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
  }

  /// Writes everything, at `offset` or where the last write ended.
  package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int? = nil) throws(FileError) {
    let written = Self.write(bytes, to: descriptor, at: offset)
    if written.code != 0 { throw FileError.cannotWrite(path: path, code: written.code) }
  }

  package func write(_ text: String) throws(FileError) {
    var (text, failure) = (text, FileError?.none)
    text.withUTF8 { bytes in
      do throws(FileError) { try write(UnsafeRawBufferPointer(bytes)) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  package func write(_ bytes: [UInt8], at offset: Int? = nil) throws(FileError) {
    var failure: FileError?
    bytes.withUnsafeBytes { bytes in
      do throws(FileError) { try write(bytes, at: offset) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// Makes the file so many bytes long; those that were never written read as zeros and take no room.
  package func extend(to bytes: Int) throws(FileError) {
    guard ftruncate(descriptor, off_t(bytes)) == 0 else {
      throw FileError.cannotWrite(path: path, code: errno)
    }
  }

  /// Everything is on the disk afterwards.
  package func sync() throws(FileError) {
    guard fsync(descriptor) == 0 else { throw FileError.cannotWrite(path: path, code: errno) }
  }

  /// Writes all of `bytes`, however often the system takes a part only. `code` is 0, or the error number of what failed.
  package static func write(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int? = nil
  ) -> (bytes: Int, code: Int32) {
    var done = 0
    while done < bytes.count {
      let (next, left) = (bytes.baseAddress! + done, bytes.count - done)
      let count =
        if let offset { pwrite(descriptor, next, left, off_t(offset + done)) } else {
          Glibc.write(descriptor, next, left)
        }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return (done, count < 0 ? errno : ENOSPC) }
      done += count
    }
    return (done, 0)
  }

  /// Makes a file that is whole at any moment: it is written beside its place and renamed.
  ///
  /// What is no regular file, such as a pipe or /dev/stdout, is written as it is; a link is followed.
  package static func whole(
    _ path: String, _ body: (OutputFile) throws(FileError) -> Void
  ) throws(FileError) {
    var status = stat()
    let isThere = stat(path, &status) == 0
    if isThere && status.st_mode & S_IFMT != S_IFREG {
      return try body(OutputFile(path, existing: .updated))
    }
    let place = isThere ? resolved(path) : path
    let partial = "\(place).partial-\(getpid())"
    do throws(FileError) {
      let file = try OutputFile(partial, existing: .replaced)
      if isThere { fchmod(file.descriptor, status.st_mode & 0o7777) }
      try body(file)
      try file.sync()
    } catch {
      unlink(partial)
      throw error.named(path)
    }
    guard rename(partial, place) == 0 else {
      let code = errno
      unlink(partial)
      throw FileError.cannotCreate(path: path, code: code)
    }
  }

  /// Makes a directory where it is missing.
  package static func makeDirectory(_ path: String) throws(FileError) {
    if mkdir(path, 0o755) != 0 && errno != EEXIST { throw FileError.cannotCreate(path: path, code: errno) }
  }

  private static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }
}
