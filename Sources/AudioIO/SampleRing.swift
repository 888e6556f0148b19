internal import Base
import Synchronization

/// A bounded ring of samples between one producer thread and one consumer thread, without locks.
///
/// It joins two sides that work in blocks of different sizes. All memory is taken at the start.
package final class SampleRing: @unchecked Sendable {
  private let cursor: RingCursor
  private let refused = Atomic<Int>(0)
  private let samples: UnsafeMutablePointer<Float>  // (capacity)

  package init(capacity: Int) {
    cursor = RingCursor(capacity: capacity)
    samples = .allocate(capacity: capacity)
    samples.initialize(repeating: 0, count: capacity)
  }

  deinit {
    samples.deallocate()
  }

  package var capacity: Int { cursor.capacity }

  /// How many samples wait to be read: at least this many for the consumer, at most for the producer.
  package var count: Int { cursor.readable().count }

  /// How many samples can be written: at least this many for the producer, at most for the consumer.
  package var free: Int { cursor.writable().count }

  /// How many samples did not fit and were dropped.
  package var dropped: Int { refused.load(ordering: .relaxed) }

  /// Producer: copies in as much of `input`, from its start, as fits; the rest is dropped and counted.
  ///
  /// - Returns: how many samples were taken.
  @discardableResult
  package func write(_ input: Span<Float>) -> Int {
    let (position, free) = cursor.writable()
    let count = min(input.count, free)
    if count < input.count { refused.add(input.count - count, ordering: .relaxed) }
    guard count > 0 else { return 0 }
    let start = position % capacity
    let first = min(count, capacity - start)
    input.withUnsafeBufferPointer {
      (samples + start).update(from: $0.baseAddress!, count: first)
      samples.update(from: $0.baseAddress! + first, count: count - first)
    }
    cursor.publish(count)
    return count
  }

  /// Consumer: copies out the oldest samples, at most as many as `output` holds.
  ///
  /// - Returns: how many samples were copied; the rest of `output` is unchanged.
  @discardableResult
  package func read(into output: inout MutableSpan<Float>) -> Int {
    let (position, filled) = cursor.readable()
    let count = min(output.count, filled)
    guard count > 0 else { return 0 }
    let start = position % capacity
    let first = min(count, capacity - start)
    output.withUnsafeMutableBufferPointer {
      $0.baseAddress!.update(from: samples + start, count: first)
      ($0.baseAddress! + first).update(from: samples, count: count - first)
    }
    cursor.release(count)
    return count
  }

  /// Consumer: forgets the oldest samples, at most `limit`; returns how many there were.
  @discardableResult
  package func skip(_ limit: Int) -> Int {
    let skipped = min(limit, cursor.readable().count)
    cursor.release(skipped)
    return skipped
  }
}
