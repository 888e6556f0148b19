import Synchronization

/// Sound that is offered to the playback thread, to be played when the ring has run dry: the frames that were made ahead
/// in case the next ones come late.
///
/// One thread offers frames and takes them back, the playback thread begins them one after the other. Whoever is first
/// decides about a frame, and neither waits for the other.
package final class SpareSlot: @unchecked Sendable {
  /// The most frames that can be offered at once.
  package let capacity: Int
  package let samplesPerFrame: Int
  // Two sets of frames, so that one can be filled while a frame of the other is still being played.
  private let samples: UnsafeMutablePointer<Float>  // (2, capacity, samplesPerFrame)
  /// Frames on offer, in the low bits, and the place of the first, above them; 0 where there is none.
  private let offer = Atomic<Int>(0)
  // By the producer.
  private var set = 0
  private var offered = 0
  // By the playback thread.
  private var position = 0
  private var end = 0

  package init(samplesPerFrame: Int, capacity: Int) {
    precondition(samplesPerFrame > 0 && 1...255 ~= capacity)
    self.capacity = capacity
    self.samplesPerFrame = samplesPerFrame
    samples = .allocate(capacity: 2 * capacity * samplesPerFrame)
    samples.initialize(repeating: 0, count: 2 * capacity * samplesPerFrame)
  }

  deinit {
    samples.deallocate()
  }

  /// Producer: offers frames, one after the other. What was offered before must have been taken back.
  ///
  /// - Parameter frames: at most `capacity` whole frames.
  package func offer(_ frames: Span<Float>) {
    offered = min(frames.count / samplesPerFrame, capacity)
    let first = set * capacity
    frames.withUnsafeBufferPointer {
      guard let base = $0.baseAddress else { return }
      (samples + first * samplesPerFrame).update(from: base, count: offered * samplesPerFrame)
    }
    offer.store(offered == 0 ? 0 : first << 8 | offered, ordering: .releasing)
  }

  /// Producer: takes back what is on offer.
  ///
  /// - Returns: how many of the frames were begun. They are played to their ends.
  package func withdraw() -> Int {
    let begun = offered - offer.exchange(0, ordering: .acquiringAndReleasing) & 0xFF
    offered = 0
    // A frame of this set may be playing. None of the other is: the playback thread came here after it.
    if begun > 0 { set = 1 - set }
    return begun
  }

  /// Playback thread: whether a frame was begun and is not over.
  var isPlaying: Bool { position < end }

  /// Playback thread: begins the next frame on offer. Returns whether there was one.
  func begin() -> Bool {
    let found = offer.load(ordering: .relaxed)
    guard found & 0xFF > 0 else { return false }
    let (first, count) = (found >> 8, found & 0xFF)
    let rest = count == 1 ? 0 : (first + 1) << 8 | (count - 1)
    guard
      offer.compareExchange(expected: found, desired: rest, ordering: .acquiringAndReleasing).exchanged
    else { return false }
    position = first * samplesPerFrame
    end = position + samplesPerFrame
    return true
  }

  /// Playback thread: copies out the next samples of the frame that was begun, at most as many as `output` holds.
  ///
  /// - Returns: how many.
  func read(into output: inout MutableSpan<Float>) -> Int {
    let count = min(output.count, end - position)
    for index in 0..<count { output[index] = samples[position + index] }
    position += count
    return count
  }

  /// Playback thread: gives up the frame that was begun. Returns how many of its samples will not be played.
  func stop() -> Int {
    let rest = end - position
    position = end
    return rest
  }
}
