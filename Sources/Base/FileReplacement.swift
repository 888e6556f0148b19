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
    var status = stat()
    let isThere = stat(path, &status) == 0
    if isThere, status.st_mode & S_IFMT != S_IFREG { return nil }
    place = isThere ? Self.resolved(path) : Self.target(of: path)
    partial = Self.partial(of: place)
    descriptor = open(partial, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      let code = errno
      if isThere, code != ENOSPC, code != EDQUOT, code != EIO, access(path, W_OK) == 0 { return nil }
      throw FileError.cannotCreate(path: path, code: code)
    }
    if isThere {
      _ = fchown(descriptor, status.st_uid, status.st_gid)
      fchmod(descriptor, status.st_mode & 0o7777)
    }
  }

  deinit {
    if !isDone { unlink(partial) }
  }

  /// Moves the file into place. Its descriptor must be closed first.
  ///
  /// - Returns: 0, or an error number if that failed, in which case nothing has changed.
  package func take() -> Int32 {
    guard !isDone else { return 0 }
    guard rename(partial, place) == 0 else {
      let code = errno
      drop()
      return code
    }
    isDone = true
    // Synchronizes the directory, so that the new name survives a crash of the machine. Not every file system supports
    // this, so a failure is ignored.
    let directory = open(Self.directory(of: place), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if directory >= 0 {
      fsync(directory)
      close(directory)
    }
    return 0
  }

  /// Discards the file; the existing one stays.
  package func drop() {
    if !isDone { unlink(partial) }
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
    let name = String(place.split(separator: "/", omittingEmptySubsequences: true).last ?? "")
    // A name has at most 255 bytes.
    let short = name.utf8.count > 200 ? String(name.prefix(50)) : name
    return (directory == "." && !place.hasPrefix("./") ? "" : directory + "/")
      + "\(short).partial-\(getpid())"
  }

  private static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  /// The path that a link leads to, even if nothing exists there yet.
  private static func target(of path: String) -> String {
    var path = path
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    // The kernel's own limit.
    for _ in 0..<40 {
      let count = readlink(path, &buffer, buffer.count - 1)
      guard count > 0 else { break }
      let link = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
      path = link.hasPrefix("/") ? link : directory(of: path) + "/" + link
    }
    return path
  }
}
