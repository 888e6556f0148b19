internal import AudioIO
internal import Latency
internal import Synchronization

/// Carries every frame of a live session to the thread that records it, without making the session wait.
///
/// A full tape drops the frame and counts it, because the conversation matters more.
package final class LiveTape: @unchecked Sendable {
  package let samplesPerFrame: Int
  package let codebooks: (heard: Int, said: Int)
  private let user: FrameRing
  private let own: FrameRing
  private let codes: UnsafeMutableBufferPointer<Int32>  // (capacity, heard + said)
  private let records: UnsafeMutableBufferPointer<FrameRecord>  // (capacity)
  private let capacity: Int
  private let lost = Atomic<Int>(0)
  private var written = 0  // by the producer
  private var taken = 0  // by the consumer
  private var frame: AudioFrame

  /// - Parameter capacity: frames; 64 are five seconds.
  package init(samplesPerFrame: Int, heard: Int, said: Int, capacity: Int = 64) {
    self.samplesPerFrame = samplesPerFrame
    self.capacity = capacity
    codebooks = (heard, said)
    user = FrameRing(capacity: capacity, samplesPerFrame: samplesPerFrame)
    own = FrameRing(capacity: capacity, samplesPerFrame: samplesPerFrame)
    codes = .allocate(capacity: capacity * (heard + said))
    codes.initialize(repeating: 0)
    records = .allocate(capacity: capacity)
    records.initialize(repeating: FrameRecord())
    frame = AudioFrame(count: samplesPerFrame)
  }

  deinit {
    codes.deallocate()
    records.deallocate()
  }

  /// Frames that were dropped because the tape was full.
  package var dropped: Int { lost.load(ordering: .relaxed) }

  /// Session: one frame of both sides.
  func append(
    _ person: Span<Float>, _ reply: Span<Float>, heard: Span<Int32>, said: Span<Int32>, _ record: FrameRecord
  ) {
    // The consumer frees `own` last, so a free place there means that the other rings have one too.
    guard own.count < capacity else {
      lost.add(1, ordering: .relaxed)
      return
    }
    let slot = written % capacity
    let start = slot * (codebooks.heard + codebooks.said)
    for index in 0..<codebooks.heard { codes[start + index] = heard[index] }
    for index in 0..<codebooks.said { codes[start + codebooks.heard + index] = said[index] }
    records[slot] = record
    copy(person)
    _ = user.push(frame)
    copy(reply)
    _ = own.push(frame)
    written += 1
  }

  private func copy(_ samples: Span<Float>) {
    for index in 0..<samplesPerFrame { frame.samples[index] = samples[index] }
  }

  /// Writer: takes the oldest frame; returns false if there is none.
  func take(
    user userFrame: inout AudioFrame, own ownFrame: inout AudioFrame, heard: inout [Int32],
    said: inout [Int32], record: inout FrameRecord
  ) -> Bool {
    guard own.count > 0 else { return false }
    let slot = taken % capacity
    let start = slot * (codebooks.heard + codebooks.said)
    for index in 0..<codebooks.heard { heard[index] = codes[start + index] }
    for index in 0..<codebooks.said { said[index] = codes[start + codebooks.heard + index] }
    record = records[slot]
    _ = user.pop(into: &userFrame)
    _ = own.pop(into: &ownFrame)
    taken += 1
    return true
  }
}
