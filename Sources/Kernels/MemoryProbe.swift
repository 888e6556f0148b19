internal import CKernels
internal import Glibc

/// Measures how fast this machine reads memory that no cache holds, which limits every product with one column.
package final class MemoryProbe {
  private let storage: FloatStorage
  private let bytes: Int

  /// - Parameter bytes: much more than all caches hold.
  package init(bytes: Int = 512 << 20) {
    self.bytes = bytes
    storage = FloatStorage(count: bytes / 4)
  }

  /// Gigabytes a second of one pass over the memory.
  package func measure(_ workers: Workers) -> Double {
    let begun = Self.now()
    workers.read(storage.base, bytes)
    return Double(bytes) / Double(max(Self.now() - begun, 1))
  }

  /// Nanoseconds of CLOCK_MONOTONIC_RAW.
  package static func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC_RAW, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
