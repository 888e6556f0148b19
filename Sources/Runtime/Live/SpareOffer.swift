internal import AudioIO

/// The spare frames that a live loop has on offer to the loudspeaker.
struct SpareOffer {
  private let samplesPerFrame: Int
  private var sound: [Float]  // [frames][samplesPerFrame]
  // The frames on offer.
  private var first = 0
  private var count = 0
  /// Frames that were begun, and whose steps have not been taken.
  private var begun = 0

  /// - Parameter frames: the most that are offered at once; without any nothing happens.
  init(frames: Int, samplesPerFrame: Int) {
    self.samplesPerFrame = samplesPerFrame
    sound = [Float](repeating: 0, count: frames * samplesPerFrame)
  }

  /// Takes back what is on offer, now that a step is done. If a frame was begun in its place, those behind it stay on
  /// offer for the next step.
  ///
  /// - Returns: whether the step's own frame was begun.
  mutating func settle(_ output: some Loudspeaker) -> Bool {
    let started = output.withdraw()
    (first, count, begun) = (first + started, count - started, begun + started)
    guard begun > 0 else {
      count = 0
      return false
    }
    begun -= 1
    if count > 0 { offer(output) }
    return true
  }

  /// Makes and offers the frames of the next steps. After a late step the next one, which can begin at once, matters more.
  ///
  /// - Parameter mayWait: whether the next step cannot begin yet, or the last was in time.
  mutating func renew(_ engine: inout some LiveEngine & ~Copyable, _ output: some Loudspeaker, mayWait: Bool)
  {
    guard !sound.isEmpty, begun == 0, count == 0, mayWait else { return }
    (first, count) = (0, engine.prepareSpare())
    var span = sound.mutableSpan
    engine.copySpare(into: &span)
    offer(output)
  }

  private func offer(_ output: some Loudspeaker) {
    output.offer(sound.span.extracting(first * samplesPerFrame..<(first + count) * samplesPerFrame))
  }
}
