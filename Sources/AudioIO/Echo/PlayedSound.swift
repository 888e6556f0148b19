import Synchronization

/// The last seconds of the sound that was actually played, silence included, which the microphone may capture.
///
/// One thread appends, and one other reads any part of it.
package final class PlayedSound: @unchecked Sendable {
  private let written = Atomic<Int>(0)
  private let samples: UnsafeMutablePointer<Float>  // (capacity)
  package let capacity: Int

  package init(capacity: Int = 1 << 17) {
    precondition(capacity > 0)
    self.capacity = capacity
    samples = .allocate(capacity: capacity)
    samples.initialize(repeating: 0, count: capacity)
  }

  deinit {
    samples.deallocate()
  }

  /// Samples played so far.
  package var count: Int { written.load(ordering: .acquiring) }

  /// Player: appends the samples that are played next.
  package func append(_ block: UnsafeBufferPointer<Float>) {
    let start = written.load(ordering: .relaxed)
    for offset in 0..<block.count { samples[(start + offset) % capacity] = block[offset] }
    written.store(start + block.count, ordering: .releasing)
  }

  /// Copies the samples from `start` on; samples that were never played or have been overwritten are 0.
  /// Half of the capacity can be read; the player may be overwriting the other half.
  /// Half of the capacity can be read; the player may be writing to the other half.
  package func copy(from start: Int, into block: UnsafeMutableBufferPointer<Float>) {
    let end = count
    let oldest = max(0, end - capacity / 2)
    for offset in 0..<block.count {
      let index = start + offset
      block[offset] = index >= oldest && index < end ? samples[index % capacity] : 0
    }
  }
}
