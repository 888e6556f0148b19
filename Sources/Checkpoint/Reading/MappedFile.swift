internal import Base
internal import Glibc

/// A whole file mapped read-only: the page cache is the only copy. Or bytes in memory that stand for one.
package final class MappedFile: @unchecked Sendable {
  package let path: String
  package let bytes: UnsafeRawBufferPointer
  /// Tells this file from another one, or from itself after a change.
  let identity: String
  private let isMapped: Bool

  /// Bytes of memory in the place of a file, as a download or a fuzzer has them.
  package init(_ content: UnsafeRawBufferPointer, named path: String) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: content.count, alignment: 1)
    copy.copyMemory(from: content)
    self.path = path
    bytes = UnsafeRawBufferPointer(copy)
    identity = "memory"
    isMapped = false
  }

  package init(_ path: String) throws(CheckpointError) {
    // Without blocking: a pipe in the file's place must not be waited for.
    let descriptor = FileSystem.open(path, O_RDONLY | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw errno == ENOENT ? .notFound(file: path) : .unreadable(file: path, code: errno)
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .unreadable(file: path, code: errno) }
    guard status.st_mode & S_IFMT != S_IFDIR else { throw .isDirectory(file: path) }
    let count = Int(status.st_size)
    self.path = path
    identity = "\(status.st_dev).\(status.st_ino) \(count) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
    isMapped = true
    // An empty file cannot be mapped; it is told from a short one by its reader.
    guard count > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let base = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
      throw .unreadable(file: path, code: errno)
    }
    bytes = UnsafeRawBufferPointer(start: base, count: count)
  }

  /// Gives the pages of a part back: they are read again from the file when they are used again.
  func release(_ part: UnsafeRawBufferPointer) {
    guard isMapped, let base = part.baseAddress else { return }
    let page = UInt(sysconf(Int32(_SC_PAGESIZE)))
    let start = UInt(bitPattern: base) & ~(page - 1)
    let end = (UInt(bitPattern: base) + UInt(part.count) + page - 1) & ~(page - 1)
    madvise(UnsafeMutableRawPointer(bitPattern: start), Int(end - start), MADV_DONTNEED)
  }

  deinit {
    guard let base = bytes.baseAddress else { return }
    if isMapped {
      munmap(UnsafeMutableRawPointer(mutating: base), bytes.count)
    } else {
      bytes.deallocate()
    }
  }
}
