import Checkpoint
import Codec
import TestSupport
import Testing

/// Mimi against the official package, frame by frame, on a tiny model whose window wraps in the third frame.
struct MimiGoldenTests {
  @Test(
    "codes are the reference's, and sound is within 1e-4, whatever the names in the file",
    arguments: ["model", "model-renamed", "model-weight-norm"])
  func golden(name: String) throws {
    let codec = try Codec.open(Golden.path("tiny-codec/\(name).safetensors"))
    let pcm = try Golden.open("tiny-codec/input.safetensors").floats("pcm", rank: 1).values
    let output = try Golden.open("tiny-codec/output.safetensors")
    let (shape, codes) = try output.int32s("codes", rank: 2)
    #expect(shape == [codec.configuration.codebooks, 12])
    #expect(codec.encode(all: pcm) == codes)
    let decoded = codec.decode(all: codes)
    #expect(largestDifference(decoded, try output.floats("pcm", rank: 1).values) <= 1e-4)
  }

  @Test("fewer codebooks are the first of all codebooks")
  func fewer() throws {
    let codec = try Codec.open(Golden.path("tiny-codec/model.safetensors"), codebooks: 3)
    let file = try Golden.open("tiny-codec/three-codebooks.safetensors")
    let (shape, codes) = try file.int32s("codes", rank: 2)
    #expect(shape == [3, 4])
    #expect(largestDifference(codec.decode(all: codes), try file.floats("pcm", rank: 1).values) <= 1e-4)
  }

  @Test("a new state leaves no trace of the old one")
  func reset() throws {
    let codec = try Codec.open(Golden.path("tiny-codec/model.safetensors"))
    let pcm = try Golden.open("tiny-codec/input.safetensors").floats("pcm", rank: 1).values
    let first = codec.encode(all: pcm)
    let second = codec.encode(all: pcm)
    #expect(first == second)
    #expect(codec.decode(all: first) == codec.decode(all: second))
  }

  @Test("a fork goes on as the original does, and neither touches the other")
  func fork() throws {
    let codec = try Codec.open(Golden.path("tiny-codec/model.safetensors"))
    let pcm = try Golden.open("tiny-codec/input.safetensors").floats("pcm", rank: 1).values
    let size = codec.configuration.samplesPerFrame
    var state = codec.makeEncoderState()
    var codes = [Int32](repeating: 0, count: codec.configuration.codebooks)
    func step(_ frame: Int, _ state: inout EncoderState) -> [Int32] {
      var span = codes.mutableSpan
      codec.encode(pcm.span.extracting(frame * size..<(frame + 1) * size), into: &span, &state)
      return codes
    }
    for frame in 0..<5 { _ = step(frame, &state) }
    var copy = state.fork()
    let straight = (5..<9).map { step($0, &state) }
    _ = (0..<3).map { step($0, &state) }
    #expect((5..<9).map { step($0, &copy) } == straight)
  }
}

extension Codec {
  /// Codes of whole frames, [codebooks][frames].
  func encode(all pcm: [Float]) -> [Int32] {
    let (size, count) = (configuration.samplesPerFrame, configuration.codebooks)
    let frames = pcm.count / size
    var state = makeEncoderState()
    var all = [Int32](repeating: 0, count: count * frames)
    var codes = [Int32](repeating: 0, count: count)
    for frame in 0..<frames {
      var span = codes.mutableSpan
      encode(pcm.span.extracting(frame * size..<(frame + 1) * size), into: &span, &state)
      for (row, code) in codes.enumerated() { all[row * frames + frame] = code }
    }
    return all
  }

  /// Samples of codes [codebooks][frames].
  func decode(all codes: [Int32]) -> [Float] {
    let (size, count) = (configuration.samplesPerFrame, configuration.codebooks)
    let frames = codes.count / count
    var state = makeDecoderState()
    var pcm: [Float] = []
    var samples = [Float](repeating: 0, count: size)
    for frame in 0..<frames {
      let column = (0..<count).map { codes[$0 * frames + frame] }
      var span = samples.mutableSpan
      decode(column.span, into: &span, &state)
      pcm += samples
    }
    return pcm
  }
}
