import Synchronization

/// A bounded ring of frame records between the frame path and whoever writes them down.
///
/// One thread appends, one thread drains. Appending takes no lock, allocates nothing and never waits: when
/// the
/// ring is full the record is dropped and counted.
package final class FrameLog: @unchecked Sendable {
  private let records: UnsafeMutableBufferPointer<FrameRecord>
  private let appended = Atomic<Int>(0)
  private let drained = Atomic<Int>(0)
  private let lost = Atomic<Int>(0)

  /// - Parameter capacity: records held before the first is dropped; 512 are 41 seconds.
  package init(capacity: Int = 512) {
    precondition(capacity > 0, "a frame log holds at least one record")
    records = .allocate(capacity: capacity)
    records.initialize(repeating: FrameRecord())
  }

  deinit { records.deallocate() }

  /// Records dropped because nobody drained in time.
  package var dropped: Int { lost.load(ordering: .relaxed) }

  /// Adds a record, or counts it as dropped. Called by the frame path, from one thread.
  package func append(_ record: FrameRecord) {
    let tail = appended.load(ordering: .relaxed)
    guard tail - drained.load(ordering: .acquiring) < records.count else {
      lost.add(1, ordering: .relaxed)
      return
    }
    records[tail % records.count] = record
    appended.store(tail + 1, ordering: .releasing)
  }

  /// Hands over, oldest first, the records that are waiting. Called from one thread.
  package func drain<Failure: Error>(_ body: (FrameRecord) throws(Failure) -> Void) throws(Failure) {
    var head = drained.load(ordering: .relaxed)
    let tail = appended.load(ordering: .acquiring)
    while head < tail {
      let record = records[head % records.count]
      head += 1
      drained.store(head, ordering: .releasing)
      try body(record)
    }
  }
}
