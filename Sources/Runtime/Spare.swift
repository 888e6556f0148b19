internal import Codec
internal import Dialogue

/// The next frames of the reply, made ahead: they are played if the steps that should give them are late, and a step that
/// gives the same codes need not decode them again. They belong to one conversation, on one thread.
final class Spare: @unchecked Sendable {
  /// Frames of it that are made, for the steps to come.
  private(set) var count = 0
  private var frames: [Frame]
  private var last = Last.unmade

  /// What the last step gave, beside the frame that was made for it.
  private enum Last { case unmade, same, other }

  private final class Frame: @unchecked Sendable {
    let codes: UnsafeMutableBufferPointer<Int32>  // [streams.own]
    let samples: UnsafeMutableBufferPointer<Float>  // [samplesPerFrame]
    /// The mouth after it.
    var mouth: Mouth

    init(_ codec: Codec, codebooks: Int) {
      codes = .allocate(capacity: codebooks)
      codes.initialize(repeating: 0)
      samples = .allocate(capacity: codec.configuration.samplesPerFrame)
      samples.initialize(repeating: 0)
      mouth = Mouth(codec)
    }

    deinit {
      codes.deallocate()
      samples.deallocate()
    }

    func says(_ other: Span<Int32>) -> Bool {
      for index in codes.indices where codes[index] != other[index] { return false }
      return true
    }
  }

  // Of what is drafted, before it is compared with what was made.
  private let drafted: UnsafeMutableBufferPointer<Int32>

  /// - Parameter capacity: the most frames.
  init(_ codec: Codec, codebooks: Int, capacity: Int) {
    frames = (0..<capacity).map { _ in Frame(codec, codebooks: codebooks) }
    drafted = .allocate(capacity: codebooks)
    drafted.initialize(repeating: 0)
  }

  deinit {
    drafted.deallocate()
  }

  var capacity: Int { frames.count }

  /// Tells the state of the first frame that is made: it follows one that was played, and may be played itself.
  @inline(never)  // Swift 6.3 crashes where it is inlined.
  func follow(_ state: inout DialogueState) {
    if count > 0 { state.rememberBeginning(frames[0].codes.span) }
  }

  /// Bytes of the mouths.
  var bytes: Int { frames.reduce(0) { $0 + $1.mouth.bytes } }

  /// Says the frame that was made for a step, if these are its codes.
  ///
  /// - Parameters:
  ///   - codes: what the step gives.
  ///   - reply: [samplesPerFrame]
  ///   - mouth: before the frame; if it is said, as after it.
  /// - Returns: whether it is said.
  func say(_ codes: Span<Int32>, into reply: inout MutableSpan<Float>, _ mouth: inout Mouth) -> Bool {
    last = count == 0 ? .unmade : frames[0].says(codes) ? .same : .other
    guard last == .same else { return false }
    sayFirst(into: &reply, &mouth)
    return true
  }

  /// Says the frame that was made for the last step, whatever that gave.
  ///
  /// - Parameters:
  ///   - codes: the codes of the last step; replaced by what is said.
  ///   - reply: [samplesPerFrame]
  ///   - mouth: after the last step; as after what is said.
  /// - Returns: whether there is such a frame.
  func sayInstead(
    of codes: inout [Int32], into reply: inout MutableSpan<Float>, _ mouth: inout Mouth
  ) -> Bool {
    if last == .other {
      for index in codes.indices { codes[index] = frames[0].codes[index] }
      sayFirst(into: &reply, &mouth)
      last = .same
    }
    return last == .same
  }

  private func sayFirst(into reply: inout MutableSpan<Float>, _ mouth: inout Mouth) {
    let frame = frames[0]
    for index in 0..<reply.count { reply[index] = frame.samples[index] }
    swap(&frame.mouth, &mouth)
    for index in frames.indices.dropLast() { frames.swapAt(index, index + 1) }
    count -= 1
  }

  /// Makes the frames that the next steps would give if the model said what it drafted. Those that are made already,
  /// because the steps before gave what was expected of them, are kept.
  ///
  /// - Parameter current: the mouth after the last step.
  func prepare(_ state: borrowing DialogueState, after current: borrowing Mouth) {
    // After a frame that was not expected the others would not go on from the mouth as it is.
    let made = last == .same ? count : 0
    var isKept = true
    count = 0
    for (ahead, frame) in frames.enumerated() {
      var span = drafted.mutableSpan
      guard state.copyDraftedFrame(ahead: ahead, into: &span) else { return }
      isKept = isKept && ahead < made && frame.says(drafted.span)
      if !isKept {
        for index in drafted.indices { frame.codes[index] = drafted[index] }
        if ahead == 0 { frame.mouth.copy(current) } else { frame.mouth.copy(frames[ahead - 1].mouth) }
        var sound = frame.samples.mutableSpan
        frame.mouth.speak(frame.codes.span, into: &sound)
      }
      count += 1
    }
  }

  /// Copies the sound of the frames, one after the other.
  ///
  /// - Parameter sound: [capacity][samplesPerFrame]
  func copy(into sound: inout MutableSpan<Float>) {
    var place = 0
    for frame in frames.prefix(count) {
      for sample in frame.samples {
        sound[place] = sample
        place += 1
      }
    }
  }
}
