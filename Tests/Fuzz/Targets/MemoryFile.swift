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

  /// A pipe that holds these bytes, or as many of them as it can, and ends behind them.
  static func pipe(_ bytes: UnsafeRawBufferPointer) -> Int32 {
    var ends: [Int32] = [-1, -1]
    precondition(Glibc.pipe(&ends) == 0)
    let bytes = UnsafeRawBufferPointer(rebasing: bytes.prefix(1 << 15))
    precondition(bytes.isEmpty || write(ends[1], bytes.baseAddress, bytes.count) == bytes.count)
    close(ends[1])
    return ends[0]
  }
}
