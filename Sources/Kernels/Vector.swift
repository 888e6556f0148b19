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

  package init(count: Int) {
    self.count = count
    let bytes = max(64, (count * 4 + 63) & ~63)
    let raw = LargePages.allocate(bytes)
    raw.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    base = raw.assumingMemoryBound(to: Float.self)
  }

  deinit { UnsafeMutableRawPointer(base).deallocate() }
}

/// Memory on pages of 2 MB where it is large: weights that are read once a frame are then read about a tenth faster.
enum LargePages {
  private static let size = 2 << 20

  static func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
    guard bytes >= size else { return .allocate(byteCount: bytes, alignment: 64) }
    let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: size)
    madvise(raw, bytes, MADV_HUGEPAGE)
    return raw
  }
}
