internal import Base
import Synchronization

/// A bounded, lock-free ring of frames from one producer thread to one consumer thread.
///
/// All memory is allocated at the start. A full ring drops the new frame and counts it, so delay cannot grow.
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

  /// Number of frames that can be popped: for the consumer at least this many, for the producer at most.
  package var count: Int { cursor.readable().count }

  /// How many frames were dropped because the ring was full.
  package var dropped: Int { refused.load(ordering: .relaxed) }

  /// Producer: copies `frame` in. If the ring is full, returns false and adds one to `dropped`.
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

  /// Consumer: copies the oldest frame out. If there is none, returns false and leaves `frame` unchanged.
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

  /// Consumer: discards the oldest frames, at most `limit`; returns how many were discarded.
  package func skip(_ limit: Int) -> Int {
    let skipped = min(limit, cursor.readable().count)
    cursor.release(skipped)
    return skipped
  }
}
