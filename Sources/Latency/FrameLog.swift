internal import Base
internal import Synchronization

/// A bounded ring of frame records between the frame path and the thread that writes them to the log.
///
/// One thread appends, one thread drains. Appending takes no lock, allocates nothing and never waits: if the ring is
/// full, the record is dropped and counted.
package final class FrameLog: @unchecked Sendable {
  private let cursor: RingCursor
  private let records: UnsafeMutableBufferPointer<FrameRecord>
  private let lost = Atomic<Int>(0)

  /// - Parameter capacity: records held before one is dropped; 512 are 41 seconds.
  package init(capacity: Int = 512) {
    cursor = RingCursor(capacity: capacity)
    records = .allocate(capacity: capacity)
    records.initialize(repeating: FrameRecord())
  }

  deinit { records.deallocate() }

  /// Records dropped because the ring was full.
  package var dropped: Int { lost.load(ordering: .relaxed) }

  /// Adds a record, or counts it as dropped. Called by the frame path, from one thread.
  package func append(_ record: FrameRecord) {
    let (position, free) = cursor.writable()
    guard free > 0 else {
      lost.add(1, ordering: .relaxed)
      return
    }
    records[position % cursor.capacity] = record
    cursor.publish(1)
  }

  /// Passes the waiting records to `body`, oldest first. Called from one thread.
  package func drain<Failure: Error>(_ body: (FrameRecord) throws(Failure) -> Void) throws(Failure) {
    let (position, waiting) = cursor.readable()
    for index in position..<position + waiting {
      let record = records[index % cursor.capacity]
      cursor.release(1)
      try body(record)
    }
  }
}
