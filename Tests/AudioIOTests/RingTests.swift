import Foundation
import Testing

@testable import AudioIO

@Suite("The rings")
struct RingTests {
  @Test("a frame comes out as it went in, with its position and time")
  func frame() {
    let ring = FrameRing(capacity: 2, samplesPerFrame: 4)
    var frame = AudioFrame(count: 4)
    frame.samples = [1, 2, 3, 4]
    frame.validCount = 3
    frame.sampleIndex = 40
    frame.captureNanoseconds = 99
    let isPushed = ring.push(frame)
    #expect(isPushed)

    var out = AudioFrame(count: 4)
    let isPopped = ring.pop(into: &out)
    #expect(isPopped && out.samples == [1, 2, 3, 4])
    #expect(out.validCount == 3 && out.sampleIndex == 40 && out.captureNanoseconds == 99)
    let isPoppedAgain = ring.pop(into: &out)
    #expect(!isPoppedAgain && out.samples == [1, 2, 3, 4], "an empty ring leaves the frame alone")
  }

  @Test("a full ring refuses a frame and counts it")
  func full() {
    let ring = FrameRing(capacity: 3, samplesPerFrame: 1)
    var frame = AudioFrame(count: 1)
    for value in 0..<5 {
      frame.samples[0] = Float(value)
      let isPushed = ring.push(frame)
      #expect(isPushed == (value < 3))
    }
    #expect(ring.count == 3 && ring.dropped == 2)
    #expect(ring.skip(2) == 2)
    let isPopped = ring.pop(into: &frame)
    #expect(isPopped && frame.samples == [2])
    #expect(ring.skip(9) == 0)
  }

  @Test("samples keep their order when blocks of different sizes wrap round")
  func wrap() {
    let ring = SampleRing(capacity: 10)
    var written: Float = 0
    var expected: Float = 0
    var block = [Float](repeating: 0, count: 7)
    for round in 0..<200 {
      let input = (0..<(round % 6 + 1)).map { written + Float($0) }
      written += Float(ring.write(input.span.extracting(0..<min(input.count, ring.free))))
      var output = block.mutableSpan
      let count = ring.read(into: &output)
      for sample in block[..<count] {
        #expect(sample == expected)
        expected += 1
      }
    }
    #expect(ring.dropped == 0 && expected > 500)
  }

  @Test("samples that do not fit are dropped and counted")
  func overflow() {
    let ring = SampleRing(capacity: 4)
    let input: [Float] = [1, 2, 3, 4, 5, 6]
    let taken = ring.write(input.span)
    #expect(taken == 4)
    #expect(ring.dropped == 2 && ring.free == 0)
    #expect(ring.skip(3) == 3)
    var block: [Float] = [0, 0]
    var output = block.mutableSpan
    let count = ring.read(into: &output)
    #expect(count == 1 && block == [4, 0])
  }

  @Test("two threads pass frames without losing, repeating or tearing one")
  func threads() {
    let ring = FrameRing(capacity: 3, samplesPerFrame: 64)
    let total = 20_000
    let producer = Thread {
      var frame = AudioFrame(count: 64)
      var number = 0
      while number < total {
        frame.samples.withUnsafeMutableBufferPointer { $0.update(repeating: Float(number)) }
        frame.sampleIndex = Int64(number)
        if ring.push(frame) { number += 1 } else { sched_yield() }
      }
    }
    producer.start()
    var frame = AudioFrame(count: 64)
    var wrong = 0
    var number = 0
    while number < total {
      guard ring.pop(into: &frame) else {
        sched_yield()
        continue
      }
      if frame.sampleIndex != Int64(number) || frame.samples.contains(where: { $0 != Float(number) }) {
        wrong += 1
      }
      number += 1
    }
    #expect(wrong == 0)
  }
}
