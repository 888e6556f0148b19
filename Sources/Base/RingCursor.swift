import Synchronization

/// The two counters of a single-producer, single-consumer ring. They only grow.
///
/// Each side owns one counter and reads the other. The release store after a copy pairs with the acquire load before
/// the next one, so that a slot is never read while it is written.
package struct RingCursor: ~Copyable, Sendable {
  private let written = Atomic<Int>(0)
  private let taken = Atomic<Int>(0)
  package let capacity: Int

  package init(capacity: Int) {
    precondition(capacity > 0)
    self.capacity = capacity
  }

  /// Producer: the next position to write and how many slots are free.
  package func writable() -> (position: Int, count: Int) {
    let position = written.load(ordering: .relaxed)
    return (position, capacity - (position - taken.load(ordering: .acquiring)))
  }

  /// Consumer: the next position to read and how many slots are filled.
  package func readable() -> (position: Int, count: Int) {
    let position = taken.load(ordering: .relaxed)
    return (position, written.load(ordering: .acquiring) - position)
  }

  /// Producer: `count` more slots are filled.
  package func publish(_ count: Int) {
    written.store(written.load(ordering: .relaxed) + count, ordering: .releasing)
  }

  /// Consumer: `count` more slots are free.
  package func release(_ count: Int) {
    taken.store(taken.load(ordering: .relaxed) + count, ordering: .releasing)
  }
}
