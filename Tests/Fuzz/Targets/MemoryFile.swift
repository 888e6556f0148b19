import Glibc

/// A file in memory with a path, for libraries that open paths; the same one for every input.
final class MemoryFile: @unchecked Sendable {
  static let shared = MemoryFile()

  let path: String
  private let descriptor: Int32

  private init() {
    // A file system in memory where there is one; the name is gone at once, the file with its descriptor.
    let directory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
    let name = "\(directory)/antiphon-fuzz-\(getpid())"
    descriptor = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    precondition(descriptor >= 0, "no file in memory")
    unlink(name)
    path = "/proc/self/fd/\(descriptor)"
  }

  func fill(_ bytes: UnsafeRawBufferPointer) {
    precondition(ftruncate(descriptor, 0) == 0)
    precondition(bytes.isEmpty || pwrite(descriptor, bytes.baseAddress, bytes.count, 0) == bytes.count)
  }
}
