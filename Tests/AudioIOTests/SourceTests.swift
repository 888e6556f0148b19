import Testing

@testable import AudioIO

@Suite("Sound from memory")
struct SourceTests {
  @Test("a source in memory yields its samples once, then ends")
  func samples() {
    let source = SampleSource([1, 2, 3, 4, 5])
    #expect(readAll(source, frame: 2) == [1, 2, 3, 4, 5])
    #expect(readAll(source, frame: 2).isEmpty)
  }

  @Test("a tone has its pitch, its peak and its length, whatever the frame size")
  func toneSource() {
    let samples = readAll(ToneSource(frequency: 440, amplitude: 0.25, seconds: 0.5), frame: 1000)
    #expect(samples.count == 12_000)
    #expect(toneToRest(samples[...], 440) > 100)
    #expect(abs(samples.max()! - 0.25) < 1e-3)
    #expect(samples == readAll(ToneSource(frequency: 440, amplitude: 0.25, seconds: 0.5), frame: 77))
  }

  @Test("a frame counts its position in the stream")
  func place() {
    let source = SampleSource([Float](repeating: 1, count: 25))
    var frame = AudioFrame(count: 10)
    var places: [Int64] = []
    var valid: [Int] = []
    while frame.fill(from: source) {
      places.append(frame.sampleIndex)
      valid.append(frame.validCount)
    }
    #expect(places == [0, 10, 20])
    #expect(valid == [10, 10, 5])
  }

  @Test("a sink in memory keeps both channels, and fails when full")
  func sink() {
    let sink = MemorySink(limit: 3)
    let left: [Float] = [1, 2]
    let right: [Float] = [3, 4]
    let isTaken = sink.write(left: left.span, right: right.span)
    #expect(isTaken)
    #expect(sink.samples == [1, 2] && sink.right == [3, 4])
    let isTakenAgain = sink.write(left.span)
    #expect(!isTakenAgain)
    #expect(throws: SoundFileError.self) { try sink.finish() }
  }
}
