internal import Base
import Synchronization

/// A bounded, lock-free ring of samples from one producer thread to one consumer thread.
///
/// It connects two sides that work in blocks of different sizes. All memory is allocated at the start.
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

  /// Number of samples that can be read: for the consumer at least this many, for the producer at most.
  package var count: Int { cursor.readable().count }

  /// Number of samples that can be written: for the producer at least this many, for the consumer at most.
  package var free: Int { cursor.writable().count }

  /// Number of samples that did not fit and were dropped.
  package var dropped: Int { refused.load(ordering: .relaxed) }

  /// Producer: copies in as much of `input`, from its start, as fits. The rest is dropped and counted.
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

  /// Consumer: discards the oldest samples, at most `limit`; returns how many were discarded.
  @discardableResult
  package func skip(_ limit: Int) -> Int {
    let skipped = min(limit, cursor.readable().count)
    cursor.release(skipped)
    return skipped
  }
}
