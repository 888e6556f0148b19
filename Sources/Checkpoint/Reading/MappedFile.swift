internal import Base
internal import Glibc

/// A whole file mapped read-only, so that the page cache is the only copy; or bytes in memory that stand in for one.
package final class MappedFile: @unchecked Sendable {
  package let path: String
  package let bytes: UnsafeRawBufferPointer
  /// Identifies the file's content cheaply: it changes when the file is replaced or modified.
  let identity: String
  private let isMapped: Bool

  /// Bytes in memory that stand in for a file, as after a download or in a fuzzer.
  package init(_ content: UnsafeRawBufferPointer, named path: String) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: content.count, alignment: 1)
    copy.copyMemory(from: content)
    self.path = path
    bytes = UnsafeRawBufferPointer(copy)
    identity = "memory"
    isMapped = false
  }

  package init(_ path: String) throws(CheckpointError) {
    // Non-blocking: if the path is a pipe, opening it must not wait.
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
    // An empty file cannot be mapped; its reader reports it as too short.
    guard count > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let base = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
      throw .unreadable(file: path, code: errno)
    }
    bytes = UnsafeRawBufferPointer(start: base, count: count)
  }

  /// Releases the pages of a range; if used again, they are reread from the file.
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
