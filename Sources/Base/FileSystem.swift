internal import Glibc

/// Questions about files.
package enum FileSystem {
  package static func exists(_ path: String) -> Bool { may(F_OK, path) }

  /// Whether writing there would overwrite anything; a pipe or a device holds nothing.
  package static func holdsSomething(_ path: String) -> Bool {
    guard FileReplacement.openDescriptor(of: path) == nil, let status = status(path) else { return false }
    return [S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT)
  }

  package static func isDirectory(_ path: String) -> Bool {
    status(path).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false
  }

  package static func isRegular(_ path: String) -> Bool {
    status(path).map { $0.st_mode & S_IFMT == S_IFREG } ?? false
  }

  package static func size(_ path: String) -> Int? {
    status(path).map { Int($0.st_size) }
  }

  /// Whether two paths refer to the same file or directory.
  package static func areSame(_ first: String, _ second: String) -> Bool {
    guard let (a, b) = status(first).flatMap({ a in status(second).map { (a, $0) } }) else { return false }
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino
  }
}
