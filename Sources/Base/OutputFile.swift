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
    /// It stays until `finish`, where it is a regular file; what is not there is made at once.
    case replacedAtEnd
    /// It is kept, and written at places.
    case updated
    /// It is kept, and what is written comes behind it.
    case appended
  }

  package let path: String
  package let descriptor: Int32
  private let isOwned: Bool
  private let replacement: Replacement?
  private var isOpen = true

  /// - Parameter existing: what happens to a file of that name.
  package init(_ path: String, existing: Existing) throws(FileError) {
    self.path = path
    if existing != .refused, let number = Replacement.openDescriptor(of: path) {
      (descriptor, isOwned, replacement) = (number, false, nil)
      return
    }
    var status = stat()
    let isThere = stat(path, &status) == 0
    if existing == .replacedAtEnd, isThere, let replacement = try Replacement(path) {
      (descriptor, isOwned) = (replacement.descriptor, true)
      self.replacement = replacement
      return
    }
    var flags: Int32 =
      switch existing {
      case .refused: O_WRONLY | O_CREAT | O_EXCL
      case .replaced, .replacedAtEnd: O_RDWR | O_CREAT | O_TRUNC
      case .updated: O_RDWR | O_CREAT
      case .appended: O_WRONLY | O_CREAT | O_APPEND
      }
    // A pipe that is opened to read as well has a reader, and waits for none.
    if isThere, status.st_mode & S_IFMT != S_IFREG, existing != .refused { flags = O_WRONLY }
    descriptor = open(path, flags | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileError.cannotCreate(path: path, code: errno) }
    (isOwned, replacement) = (true, nil)
  }

  /// Around a replacement that is under way.
  private init(_ path: String, _ replacement: Replacement) {
    (self.path, descriptor, isOwned) = (path, replacement.descriptor, true)
    self.replacement = replacement
  }

  /// - Parameter descriptor: that is open already; it stays open.
  package init(_ path: String, descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
    (isOwned, replacement) = (false, nil)
  }

  deinit { if isOwned, isOpen { close(descriptor) } }

  /// Closes the file, and puts it into its place. Some file systems tell only now what they could not write.
  package func finish() throws(FileError) {
    guard isOwned, isOpen else { return }
    isOpen = false
    guard close(descriptor) == 0 || errno == EINTR else {
      let code = errno
      replacement?.drop()
      throw FileError.cannotWrite(path: path, code: code)
    }
    if let code = replacement?.take(), code != 0 { throw FileError.cannotCreate(path: path, code: code) }
  }

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

  /// Adds text at the end. What cannot be written whole is not written at all, where that is possible.
  package func write(_ text: String) throws(FileError) {
    let end = byteCount
    var (text, failure) = (text, FileError?.none)
    text.withUTF8 { bytes in
      do throws(FileError) { try write(UnsafeRawBufferPointer(bytes)) } catch { failure = error }
    }
    guard let failure else { return }
    // A line that breaks off could not be read back. A pipe has no bytes to take back, and refuses.
    if isOwned, byteCount > end, ftruncate(descriptor, off_t(end)) == 0 {
      lseek(descriptor, off_t(end), SEEK_SET)
    }
    throw failure
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
    // What is no file on a disk cannot do that, and need not.
    guard fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP || errno == EROFS else {
      throw FileError.cannotWrite(path: path, code: errno)
    }
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
      if count < 0 && errno == EAGAIN {
        // Another program left the pipe or terminal so that it does not wait.
        var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&ready, 1, 1000)
        continue
      }
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
    guard let replacement = try Replacement(path) else {
      let file = try OutputFile(path, existing: .replaced)
      try body(file)
      return try file.finish()
    }
    let file = OutputFile(path, replacement)
    do throws(FileError) {
      try body(file)
      try file.sync()
      try file.finish()
    } catch {
      replacement.drop()
      throw error.named(path)
    }
  }

  /// Makes a directory where it is missing.
  package static func makeDirectory(_ path: String) throws(FileError) {
    if mkdir(path, 0o755) != 0 && errno != EEXIST { throw FileError.cannotCreate(path: path, code: errno) }
  }
}
