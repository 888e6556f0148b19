internal import Codec
internal import Dialogue

/// A frame of the reply that is made ahead, to be played if the step that should give it is late. It belongs to one
/// conversation, on one thread.
final class Spare: @unchecked Sendable {
  /// Its codes, [streams.own].
  let codes: UnsafeMutableBufferPointer<Int32>
  /// Its sound, [samplesPerFrame].
  let samples: UnsafeMutableBufferPointer<Float>
  /// The mouth after it.
  var mouth: Mouth
  /// Whether there is one for the step to come.
  private(set) var isReady = false

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

  /// Bytes of the second mouth.
  var bytes: Int { mouth.bytes }

  /// Makes the frame that the next step would give if the model said what it drafted.
  func prepare(_ state: borrowing DialogueState, after current: borrowing Mouth) {
    let (codes, samples) = (codes, samples)
    var span = codes.mutableSpan
    isReady = state.copyDraftedFrame(into: &span)
    guard isReady else { return }
    mouth.copy(current)
    var sound = samples.mutableSpan
    mouth.speak(codes.span, into: &sound)
  }

  func clear() { isReady = false }
}
