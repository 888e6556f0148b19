internal import Base
import Synchronization

/// A bounded ring of frames between one producer thread and one consumer thread, without locks.
///
/// All memory is taken at the start. A full ring refuses the new frame and counts it, so delay cannot grow.
package final class FrameRing: @unchecked Sendable {
  private struct Stamp {
    var validCount = 0
    var sampleIndex: Int64 = 0
    var captureNanoseconds: UInt64 = 0
  }

  private let cursor: RingCursor
  private let refused = Atomic<Int>(0)
  private let samples: UnsafeMutablePointer<Float>  // (capacity, samplesPerFrame)
  private let stamps: UnsafeMutablePointer<Stamp>  // (capacity)

  package let samplesPerFrame: Int

  package init(capacity: Int, samplesPerFrame: Int) {
    precondition(samplesPerFrame > 0)
    cursor = RingCursor(capacity: capacity)
    self.samplesPerFrame = samplesPerFrame
    samples = .allocate(capacity: capacity * samplesPerFrame)
    samples.initialize(repeating: 0, count: capacity * samplesPerFrame)
    stamps = .allocate(capacity: capacity)
    stamps.initialize(repeating: Stamp(), count: capacity)
  }

  deinit {
    samples.deallocate()
    stamps.deallocate()
  }

  package var capacity: Int { cursor.capacity }

  /// How many frames wait to be popped: at least this many for the consumer, at most for the producer.
  package var count: Int { cursor.readable().count }

  /// How many frames were refused because the ring was full.
  package var dropped: Int { refused.load(ordering: .relaxed) }

  /// Producer: copies `frame` in; false, and one more `dropped`, when the ring is full.
  package func push(_ frame: borrowing AudioFrame) -> Bool {
    precondition(frame.samples.count == samplesPerFrame)
    let (position, free) = cursor.writable()
    guard free > 0 else {
      refused.add(1, ordering: .relaxed)
      return false
    }
    let slot = position % capacity
    frame.samples.withUnsafeBufferPointer {
      (samples + slot * samplesPerFrame).update(from: $0.baseAddress!, count: samplesPerFrame)
    }
    stamps[slot] = Stamp(
      validCount: frame.validCount, sampleIndex: frame.sampleIndex,
      captureNanoseconds: frame.captureNanoseconds)
    cursor.publish(1)
    return true
  }

  /// Consumer: copies the oldest frame out; false, with `frame` unchanged, when there is none.
  package func pop(into frame: inout AudioFrame) -> Bool {
    precondition(frame.samples.count == samplesPerFrame)
    let (position, filled) = cursor.readable()
    guard filled > 0 else { return false }
    let slot = position % capacity
    frame.samples.withUnsafeMutableBufferPointer {
      $0.baseAddress!.update(from: samples + slot * samplesPerFrame, count: samplesPerFrame)
    }
    frame.validCount = stamps[slot].validCount
    frame.sampleIndex = stamps[slot].sampleIndex
    frame.captureNanoseconds = stamps[slot].captureNanoseconds
    cursor.release(1)
    return true
  }

  /// Consumer: forgets the oldest frames, at most `limit`; returns how many there were.
  package func skip(_ limit: Int) -> Int {
    let skipped = min(limit, cursor.readable().count)
    cursor.release(skipped)
    return skipped
  }
}
