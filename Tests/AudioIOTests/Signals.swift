import Foundation
import Testing

@testable import AudioIO

/// A sine at `rate`, as `count` samples.
func tone(_ frequency: Double, rate: Double = 24_000, count: Int, amplitude: Double = 0.5) -> [Float] {
  (0..<count).map { Float(amplitude * sin(2 * .pi * frequency * Double($0) / rate)) }
}

/// White noise at full scale, the same each time.
func noise(_ count: Int) -> [Float] {
  var state: UInt64 = 1
  return (0..<count).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Float(state >> 40) / Float(1 << 23) - 1
  }
}

/// Level of a sine of this frequency, of any amplitude and phase, above everything else, in dB.
func toneToRest(_ samples: ArraySlice<Float>, _ frequency: Double, rate: Double = 24_000) -> Double {
  var (ss, sc, cc, ys, yc) = (0.0, 0.0, 0.0, 0.0, 0.0)
  for (index, sample) in samples.enumerated() {
    let angle = 2 * .pi * frequency * Double(index) / rate
    let (s, c) = (sin(angle), cos(angle))
    ss += s * s
    sc += s * c
    cc += c * c
    ys += Double(sample) * s
    yc += Double(sample) * c
  }
  let determinant = ss * cc - sc * sc
  let a = (ys * cc - yc * sc) / determinant
  let b = (yc * ss - ys * sc) / determinant
  var (signal, rest) = (0.0, 0.0)
  for (index, sample) in samples.enumerated() {
    let angle = 2 * .pi * frequency * Double(index) / rate
    let fitted = a * sin(angle) + b * cos(angle)
    signal += fitted * fitted
    rest += (Double(sample) - fitted) * (Double(sample) - fitted)
  }
  return 10 * log10(signal / max(rest, 1e-30))
}

/// Everything that a source has, read in frames of `frame` samples.
func readAll(_ source: some AudioSource, frame: Int = 1920) -> [Float] {
  var result: [Float] = []
  var block = [Float](repeating: .nan, count: frame)
  while true {
    var span = block.mutableSpan
    let count = source.read(into: &span)
    #expect(block[count...].allSatisfy { $0 == 0 }, "what is not valid is silence")
    if count == 0 { return result }
    result += block[..<count]
  }
}

/// Writes `samples` in frames of `frame` samples.
@discardableResult
func writeAll(_ samples: [Float], to sink: some AudioSink, frame: Int = 1920) -> Bool {
  var start = 0
  while start < samples.count {
    let end = min(start + frame, samples.count)
    if !sink.write(samples.span.extracting(start..<end)) { return false }
    start = end
  }
  return true
}

/// A WAV file byte by byte, so that a test can make one that no library would write.
func wavBytes(channels: Int, rate: Int, bits: Int = 16, isFloat: Bool = false, data: [UInt8]) -> [UInt8] {
  func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
  var bytes = Array("RIFF".utf8) + little(36 + data.count, 4) + Array("WAVEfmt ".utf8) + little(16, 4)
  bytes += little(isFloat ? 3 : 1, 2) + little(channels, 2) + little(rate, 4)
  bytes += little(rate * channels * bits / 8, 4) + little(channels * bits / 8, 2) + little(bits, 2)
  return bytes + Array("data".utf8) + little(data.count, 4) + data
}

func bytes(_ samples: [Float]) -> [UInt8] {
  samples.flatMap { sample in (0..<4).map { UInt8(truncatingIfNeeded: sample.bitPattern >> (8 * $0)) } }
}

/// A directory that is removed after the test.
final class Scratch {
  let directory: URL

  init() throws {
    directory = FileManager.default.temporaryDirectory.appendingPathComponent("antiphon-\(UUID())")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(at: directory)
  }

  func path(_ name: String) -> String { directory.appendingPathComponent(name).path }

  func file(_ name: String, _ bytes: [UInt8]) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
    return path(name)
  }

  func wav(
    _ name: String, _ samples: [Float], channels: Int = 1, rate: Int = 24_000
  ) throws -> String {
    try file(
      name, wavBytes(channels: channels, rate: rate, bits: 32, isFloat: true, data: bytes(samples)))
  }
}
