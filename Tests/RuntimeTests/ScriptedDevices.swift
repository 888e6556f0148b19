import AudioIO
import Synchronization

/// A microphone that gives what a test lets arrive.
final class ScriptedMicrophone: Microphone, @unchecked Sendable {
  private let sound: [Float]
  private(set) var position = 0
  private var arrived = 0
  var overruns = 0

  init(_ sound: [Float]) { self.sound = sound }

  var count: Int { arrived - position }

  /// Lets the next samples arrive.
  func arrive(_ samples: Int) { arrived = min(arrived + samples, sound.count) }

  func read(into block: inout MutableSpan<Float>) -> Int {
    let taken = min(block.count, count)
    for index in 0..<taken { block[index] = sound[position + index] }
    position += taken
    return taken
  }

  func skip(_ limit: Int) -> Int {
    let taken = min(limit, count)
    position += taken
    return taken
  }

  /// The clock of the device: sample 0 at one second.
  func captureTime(of index: Int) -> UInt64? {
    1_000_000_000 + UInt64(index) * 1_000_000_000 / UInt64(AudioFrame.sampleRate)
  }
}

/// A loudspeaker that keeps what it is given, and tells the test after each block.
final class ScriptedLoudspeaker: Loudspeaker, @unchecked Sendable {
  /// What was given, one block after another; memory for it is taken at the start.
  private(set) var heard: [Float] = []
  var underruns = 0
  /// Nanoseconds to spare for each block.
  var slack: (Int) -> Int64 = { _ in 20_000_000 }
  var afterBlock: (Int) -> Void = { _ in }
  /// How many spare frames are begun before each block comes.
  var begun: (Int) -> Int = { _ in 0 }
  var afterOffer: ([Float]) -> Void = { _ in }
  private(set) var offered: [Float] = []
  private var blocks = 0

  init(capacity: Int) {
    heard.reserveCapacity(capacity)
    offered.reserveCapacity(capacity)
  }

  func offer(_ frames: Span<Float>) {
    offered.removeAll(keepingCapacity: true)
    for index in 0..<frames.count { offered.append(frames[index]) }
    afterOffer(offered)
  }

  func withdraw() -> Int { min(offered.count, begun(blocks)) }

  /// What was begun is heard.
  func concede(_ block: Span<Float>) -> PlaybackReceipt { enqueue(block) }

  func enqueue(_ block: Span<Float>) -> PlaybackReceipt {
    for index in 0..<block.count { heard.append(block[index]) }
    let now = 5_000_000_000 + UInt64(blocks) * 80_000_000
    let due = now &+ UInt64(bitPattern: slack(blocks))
    blocks += 1
    afterBlock(blocks)
    return PlaybackReceipt(writtenNanoseconds: now, dueNanoseconds: due, dacNanoseconds: due + 30_000_000)
  }
}
