internal import Glibc
internal import Kernels
internal import Synchronization

/// What a model reads of its checkpoint: found by building the model on zeros, so that no list of names can be wrong.
package final class Survey: Sendable {
  /// A matrix or a table that was asked for.
  package struct Read: Sendable, Equatable {
    /// Our name.
    package let name: String
    package let rows: Int
    package let columns: Int
    /// Rows of the whole tensor, of which these are a part.
    package let stacked: Int
    /// Whether products read it; a table is read row by row.
    package let isMatrix: Bool
  }

  private struct Found {
    var reads: [String: Read] = [:]
    var vectors: Set<String> = []
  }

  private let found = Mutex(Found())

  package init() {}

  /// By name, each tensor once.
  package var reads: [Read] { found.withLock { $0.reads.values.sorted { $0.name < $1.name } } }
  package var vectors: [String] { found.withLock { $0.vectors.sorted() } }

  func note(_ read: Read) { found.withLock { $0.reads[read.name] = read } }
  func note(vector name: String) { _ = found.withLock { $0.vectors.insert(name) } }

  /// A matrix of zeros that takes no memory.
  func zeros(rows: Int, columns: Int) -> Matrix {
    let pages = ZeroPages(count: max(rows * columns * 4, 64))
    return Matrix(rows: rows, columns: columns, format: .float, weights: pages.base, owner: pages)
  }
}

/// Pages that are zero, and not there until they are read.
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
