internal import Base
internal import Kernels

/// Measures how fast this machine reads memory that is not cached, which limits every product with one column.
final class MemoryProbe {
  private let storage: FloatStorage
  private let bytes: Int

  /// - Parameter bytes: much more than all caches together.
  init(bytes: Int = 512 << 20) {
    self.bytes = bytes
    storage = FloatStorage(count: bytes / 4)
  }

  /// Gigabytes per second of one pass over the memory.
  func measure(_ workers: Workers) -> Double {
    let begun = MonotonicClock.now
    workers.read(storage.base, bytes)
    return Double(bytes) / Double(max(MonotonicClock.now - begun, 1))
  }
}
