internal import Glibc

/// A file that is written under a temporary name and then replaces an existing one, which stays intact until then.
///
/// Links are followed, and permissions and owner are kept. A replacement that is never moved into place is removed.
package final class FileReplacement {
  package let descriptor: Int32
  private let place: String
  private let partial: String
  private var isDone = false

  /// Nil if the path cannot be replaced, such as a pipe, a device, or a file in a directory that may not be written;
  /// the caller then writes to it directly.
  ///
  /// - Throws: what the system refused.
  package init?(_ path: String) throws(FileError) {
    if Self.openDescriptor(of: path) != nil { return nil }
    let status = FileSystem.status(path)
    if let status, status.st_mode & S_IFMT != S_IFREG { return nil }
    place = status != nil ? FileSystem.resolved(path) : Self.target(of: path)
    partial = Self.partial(of: place)
    descriptor = FileSystem.open(partial, O_RDWR | O_CREAT | O_TRUNC)
    guard descriptor >= 0 else {
      let code = errno
      if status != nil, code != ENOSPC, code != EDQUOT, code != EIO, FileSystem.may(W_OK, path) { return nil }
      throw FileError.cannotCreate(path: path, code: code)
    }
    if let status {
      _ = fchown(descriptor, status.st_uid, status.st_gid)
      fchmod(descriptor, status.st_mode & 0o7777)
    }
  }

  deinit {
    if !isDone { FileSystem.remove(partial) }
  }

  /// Moves the file into place. Its descriptor must be closed first.
  ///
  /// - Returns: 0, or an error number if that failed, in which case nothing has changed.
  package func take() -> Int32 {
    guard !isDone else { return 0 }
    let code = FileSystem.move(partial, to: place)
    guard code == 0 else {
      drop()
      return code
    }
    isDone = true
    // Synchronizes the directory, so that the new name survives a crash of the machine. Not every file system supports
    // this, so a failure is ignored.
    let directory = FileSystem.open(Self.directory(of: place), O_RDONLY | O_DIRECTORY)
    if directory >= 0 {
      fsync(directory)
      close(directory)
    }
    return 0
  }

  /// Discards the file; the existing one stays.
  package func drop() {
    if !isDone { FileSystem.remove(partial) }
    isDone = true
  }

  /// The number of the open descriptor that a name such as /dev/stdout stands for.
  package static func openDescriptor(of path: String) -> Int32? {
    switch path {
    case "/dev/stdin": return 0
    case "/dev/stdout": return 1
    case "/dev/stderr": return 2
    default: break
    }
    for prefix in ["/dev/fd/", "/proc/self/fd/"] where path.hasPrefix(prefix) {
      return Int32(path.dropFirst(prefix.count))
    }
    return nil
  }

  private static func partial(of place: String) -> String {
    let directory = directory(of: place)
    let name = place.utf8.split(separator: UInt8(ascii: "/")).last.flatMap { String($0) } ?? ""
    // A name has at most 255 bytes.
    let short = name.utf8.count > 200 ? String(name.prefix(50)) : name
    return (directory == "." && !place.hasPrefix("./") ? "" : directory + "/")
      + "\(short).partial-\(getpid())"
  }

  private static func directory(of path: String) -> String {
    // A byte, not a character: a name may begin with an accent, which would join the slash.
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.startIndex ? "/" : String(path.utf8[..<slash]) ?? "."
  }

  /// The path that a link leads to, even if nothing exists there yet.
  private static func target(of path: String) -> String {
    var path = path
    // The kernel's own limit.
    for _ in 0..<40 {
      guard let link = FileSystem.link(path) else { break }
      path = link.hasPrefix("/") ? link : directory(of: path) + "/" + link
    }
    return path
  }
}
