import Synchronization

/// The last seconds of what was really played, silence and all: what the microphone may hear again.
///
/// One thread appends, one other reads any part of it.
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

  /// How many samples were played so far.
  package var count: Int { written.load(ordering: .acquiring) }

  /// Player: these samples come next.
  package func append(_ block: UnsafeBufferPointer<Float>) {
    let start = written.load(ordering: .relaxed)
    for offset in 0..<block.count { samples[(start + offset) % capacity] = block[offset] }
    written.store(start + block.count, ordering: .releasing)
  }

  /// Copies the samples from `start` on; what was never played, or is forgotten, is 0.
  ///
  /// Half of the capacity can be read: the player writes into the other half meanwhile.
  package func copy(from start: Int, into block: UnsafeMutableBufferPointer<Float>) {
    let end = count
    let oldest = max(0, end - capacity / 2)
    for offset in 0..<block.count {
      let index = start + offset
      block[offset] = index >= oldest && index < end ? samples[index % capacity] : 0
    }
  }
}
