internal import Glibc

/// A file that is written. All output of the program goes through this type.
///
/// Written bytes survive a crash of this process at once, and a crash of the machine after `sync`.
package final class OutputFile: @unchecked Sendable {
  /// What happens to an existing file.
  package enum Existing: Sendable {
    /// It stays, and creating the file fails with EEXIST.
    case refused
    /// It is emptied.
    case replaced
    /// A regular file stays until `finish`; a file that does not exist is created at once.
    case replacedAtEnd
    /// It is kept, and parts of it are overwritten.
    case updated
    /// It is kept, and bytes are appended.
    case appended
  }

  package let path: String
  package let descriptor: Int32
  private let isOwned: Bool
  private let replacement: FileReplacement?
  private var isOpen = true

  /// - Parameter existing: what happens to an existing file of that name.
  package init(_ path: String, existing: Existing) throws(FileError) {
    self.path = path
    if existing != .refused, let number = FileReplacement.openDescriptor(of: path) {
      (descriptor, isOwned, replacement) = (number, false, nil)
      return
    }
    let status = FileSystem.status(path)
    if existing == .replacedAtEnd, status != nil, let replacement = try FileReplacement(path) {
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
    // A pipe that is also opened for reading would count as its own reader and not wait for one.
    if let status, status.st_mode & S_IFMT != S_IFREG, existing != .refused { flags = O_WRONLY }
    descriptor = FileSystem.open(path, flags)
    guard descriptor >= 0 else { throw FileError.cannotCreate(path: path, code: errno) }
    (isOwned, replacement) = (true, nil)
  }

  /// Writes to a replacement that is already open.
  private init(_ path: String, _ replacement: FileReplacement) {
    (self.path, descriptor, isOwned) = (path, replacement.descriptor, true)
    self.replacement = replacement
  }

  /// - Parameter descriptor: an open descriptor, which stays open.
  package init(_ path: String, descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
    (isOwned, replacement) = (false, nil)
  }

  deinit { if isOwned, isOpen { close(descriptor) } }

  /// Closes the file and moves it to its place. Some file systems report only now that a write failed.
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

  /// Closes the file and takes it back: a new one is removed, and one that was to be replaced stays.
  package func discard() {
    guard isOwned, isOpen else { return }
    isOpen = false
    close(descriptor)
    // A pipe is another program's.
    if let replacement { replacement.drop() } else if FileSystem.isRegular(path) { FileSystem.remove(path) }
  }

  /// Bytes in the file.
  package var byteCount: Int {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
  }

  /// Writes everything, at `offset` or where the last write ended.
  package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int? = nil) throws(FileError) {
    let written = Self.write(bytes, to: descriptor, at: offset)
    if written.code != 0 { throw FileError.cannotWrite(path: path, code: written.code) }
  }

  /// Appends text. If it cannot be written completely, the file is cut back to its earlier length if possible.
  package func write(_ text: String) throws(FileError) {
    let end = byteCount
    var (text, failure) = (text, FileError?.none)
    text.withUTF8 { bytes in
      do throws(FileError) { try write(UnsafeRawBufferPointer(bytes)) } catch { failure = error }
    }
    guard let failure else { return }
    // A truncated line could not be read back. Bytes in a pipe cannot be taken back, and the call fails.
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

  /// Extends the file to this length; bytes that were never written read as zeros and take no space.
  package func extend(to bytes: Int) throws(FileError) {
    guard ftruncate(descriptor, off_t(bytes)) == 0 else {
      throw FileError.cannotWrite(path: path, code: errno)
    }
  }

  /// Waits until everything is on the disk.
  package func sync() throws(FileError) {
    // Pipes and devices cannot be synchronized, and need not be.
    guard fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP || errno == EROFS else {
      throw FileError.cannotWrite(path: path, code: errno)
    }
  }

  /// Writes all of `bytes`, even if the system accepts only a part at a time. `code` is 0 or an error number.
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
        // Another program has made the pipe or terminal non-blocking.
        var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&ready, 1, 1000)
        continue
      }
      guard count > 0 else { return (done, count < 0 ? errno : ENOSPC) }
      done += count
    }
    return (done, 0)
  }

  /// Writes a file that is complete at any moment: it is written under another name and then renamed.
  ///
  /// A pipe, a device or another file that is not regular is written directly; a link is followed.
  package static func whole(
    _ path: String, _ body: (OutputFile) throws(FileError) -> Void
  ) throws(FileError) {
    guard let replacement = try FileReplacement(path) else {
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

  /// Creates a directory if it is missing.
  package static func makeDirectory(_ path: String) throws(FileError) {
    if mkdir(FileSystem.bytes(of: path), 0o755) != 0 && errno != EEXIST {
      throw FileError.cannotCreate(path: path, code: errno)
    }
  }
}
