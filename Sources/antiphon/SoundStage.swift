import AudioIO
import Codec

/// A codec on either side of a step.
final class SoundStage {
  private let codec: Codec
  private var encoder: EncoderState
  private var decoder: DecoderState
  private let frame: [Float]
  private let codes: [Int32]
  private let tone = ToneSource(frequency: 220)

  init(_ codec: Codec) {
    self.codec = codec
    encoder = codec.makeEncoderState()
    decoder = codec.makeDecoderState()
    frame = [Float](repeating: 0, count: codec.configuration.samplesPerFrame)
    codes = [Int32](repeating: 0, count: codec.configuration.codebooks)
  }

  /// Bytes of weights of a frame.
  var bytes: Int { codec.bytesPerFrame.encode + codec.bytesPerFrame.decode }

  func encode(into user: inout [Int32], _ count: Int) {
    var (sound, coded) = (frame, codes)
    var samples = sound.mutableSpan
    _ = tone.read(into: &samples)
    var into = coded.mutableSpan
    codec.encode(sound.span, into: &into, &encoder)
    for index in 0..<count { user[index] = coded[index] }
  }

  func decode(_ own: [Int32], _ count: Int) {
    guard count > 0 else { return }
    var sound = frame
    var samples = sound.mutableSpan
    codec.decode(own.span.extracting(0..<count), into: &samples, &decoder)
  }
}
