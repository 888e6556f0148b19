internal import Glibc
internal import Kernels
internal import Synchronization

/// What a model reads from its checkpoint: found by building the model on zeros, so that there is no list of names that
/// could be wrong.
package final class Survey: Sendable {
  /// A matrix or a table that the model read.
  package struct Read: Sendable, Equatable {
    /// Our name.
    package let name: String
    package let rows: Int
    package let columns: Int
    /// Rows of the whole tensor, of which this is a part.
    package let stacked: Int
    /// Whether products read it; if not, it is a table that is read row by row.
    package let isMatrix: Bool
  }

  private struct Found {
    var reads: [String: Read] = [:]
    var vectors: Set<String> = []
  }

  private let found = Mutex(Found())

  package init() {}

  /// Sorted by name, each tensor once.
  package var reads: [Read] { found.withLock { $0.reads.values.sorted { $0.name < $1.name } } }
  package var vectors: [String] { found.withLock { $0.vectors.sorted() } }

  func note(_ read: Read) { found.withLock { $0.reads[read.name] = read } }
  func note(vector name: String) { _ = found.withLock { $0.vectors.insert(name) } }

  /// A matrix of zeros that takes up no memory.
  func zeros(rows: Int, columns: Int) -> Matrix {
    let pages = ZeroPages(count: max(rows * columns * 4, 64))
    return Matrix(rows: rows, columns: columns, format: .float, weights: pages.base, owner: pages)
  }
}

/// Pages of zeros that take up no memory until they are read.
private final class ZeroPages: @unchecked Sendable {
  let base: UnsafeMutableRawPointer
  private let count: Int

  init(count: Int) {
    self.count = count
    guard
      let base = mmap(nil, count, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
      base != MAP_FAILED
    else { preconditionFailure("no address space") }
    self.base = base
  }

  deinit { munmap(base, count) }
}
