internal import Glibc

/// A read-only vector of f32 weights: a bias, a norm's gain, a table.
package struct Vector: @unchecked Sendable {
  package let count: Int
  package let base: UnsafePointer<Float>
  private let owner: AnyObject

  /// Copies `count` values.
  package init(count: Int, _ element: (Int) -> Float) {
    let storage = FloatStorage(count: count)
    for i in 0..<count { storage.base[i] = element(i) }
    self.count = count
    base = UnsafePointer(storage.base)
    owner = storage
  }

  package init(_ values: [Float]) { self.init(count: values.count) { values[$0] } }

  package subscript(index: Int) -> Float { base[index] }
}

/// Zeroed f32 memory on cache lines of its own.
package final class FloatStorage: @unchecked Sendable {
  package let base: UnsafeMutablePointer<Float>
  package let count: Int

  private static let hugePage = 2 << 20

  package init(count: Int) {
    self.count = count
    let bytes = max(64, (count * 4 + 63) & ~63)
    let isLarge = bytes >= Self.hugePage
    let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: isLarge ? Self.hugePage : 64)
    // Large weights are read once a frame: with 2 MB pages, about a tenth faster.
    if isLarge { madvise(raw, bytes, MADV_HUGEPAGE) }
    raw.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    base = raw.assumingMemoryBound(to: Float.self)
  }

  deinit { UnsafeMutableRawPointer(base).deallocate() }
}
