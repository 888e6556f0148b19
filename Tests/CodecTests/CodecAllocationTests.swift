import Codec
import TestSupport
import Testing

/// The frame path of a codec takes no memory from the heap once a session stands.
@Suite(.enabled(if: WorkCounter.counts)) struct CodecAllocationTests {
  @Test("a count of allocations sees one array, and none where there is none")
  func counts() {
    var kept: [Int] = []
    #expect(countAllocations { kept = Array(repeating: 1, count: 100) } == 1)
    #expect(countAllocations { kept[5] = 2 } == 0)
    #expect(kept[5] == 2)
  }

  @Test("encoding a frame allocates nothing", arguments: ["tiny-codec", "tiny-spectral"])
  func encode(name: String) throws {
    let codec = try Codec.open(Golden.path("\(name)/model.safetensors"))
    var state = codec.makeEncoderState()
    var noise = Noise(70)
    let frame = noise.floats(codec.configuration.samplesPerFrame)
    var codes = [Int32](repeating: 0, count: codec.configuration.codebooks)
    func step() {
      var span = codes.mutableSpan
      codec.encode(frame.span, into: &span, &state)
    }
    for _ in 0..<3 { step() }
    #expect(countAllocations { for _ in 0..<10 { step() } } == 0)
  }

  @Test("decoding a frame allocates nothing")
  func decode() throws {
    let codec = try Codec.open(Golden.path("tiny-codec/model.safetensors"))
    var state = codec.makeDecoderState()
    let codes = (0..<codec.configuration.codebooks).map { Int32($0 * 3) }
    var frame = [Float](repeating: 0, count: codec.configuration.samplesPerFrame)
    func step() {
      var span = frame.mutableSpan
      codec.decode(codes.span, into: &span, &state)
    }
    for _ in 0..<3 { step() }
    #expect(countAllocations { for _ in 0..<10 { step() } } == 0)
  }
}
