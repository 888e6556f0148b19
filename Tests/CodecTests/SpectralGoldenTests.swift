import Checkpoint
import Codec
import TestSupport
import Testing

/// The spectral codec against the code that trains it, on a tiny random model.
struct SpectralGoldenTests {
  @Test("codes are the training code's, and sound is within 1e-5")
  func golden() throws {
    let codec = try Codec.open(Golden.path("tiny-spectral/model.safetensors"))
    #expect(codec.configuration.architecture == .spectral)
    #expect(codec.configuration.delay == 240)
    let trace = try Golden.open("tiny-spectral/trace.safetensors")
    let (shape, codes) = try trace.int32s("codes", rank: 2)  // [frames][codebooks]
    let ours = codec.encode(all: try trace.floats("input", rank: 1).values)
    let theirs = (0..<shape[1]).flatMap { book in (0..<shape[0]).map { codes[$0 * shape[1] + book] } }
    #expect(ours == theirs)
    #expect(largestDifference(codec.decode(all: theirs), try trace.floats("pcm", rank: 1).values) <= 1e-5)
  }

  @Test("silence, full scale, one click and a steady offset give finite sound")
  func extremes() throws {
    let codec = try Codec.open(Golden.path("tiny-spectral/model.safetensors"))
    let size = codec.configuration.samplesPerFrame
    for sound in [
      [Float](repeating: 0, count: 4 * size), [Float](repeating: 1, count: 4 * size),
      (0..<4 * size).map { $0 % 2 == 0 ? 1 : -1 }, [1] + [Float](repeating: 0, count: 4 * size - 1),
    ] {
      #expect(codec.decode(all: codec.encode(all: sound)).allSatisfy { $0.isFinite })
    }
  }
}
