import Foundation
import Testing

@testable import AudioIO

@Suite("Reading sound files")
struct SoundFileReaderTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  @Test("a file at 8 kHz and one at 192 kHz both come out at 24 kHz", arguments: [8_000, 44_100, 192_000])
  func rates(rate: Int) throws {
    let path = try scratch.wav("in.wav", tone(1_000, rate: Double(rate), count: rate), rate: rate)
    let reader = try SoundFileReader.open(path)
    #expect(reader.fileRate == rate && reader.duration == 1)
    let samples = readAll(reader)
    #expect(abs(samples.count - 24_000) <= 1)
    #expect(toneToRest(samples[2_000..<22_000], 1_000) > 80)
    #expect(reader.failure == nil)
  }

  @Test("frames of any size give the same samples", arguments: [1, 37, 5_000])
  func frames(size: Int) throws {
    let path = try scratch.wav("in.wav", tone(300, rate: 16_000, count: 9_000), rate: 16_000)
    let whole = readAll(try SoundFileReader.open(path))
    #expect(readAll(try SoundFileReader.open(path), frame: size) == whole)
  }

  @Test("twelve channels, for which there is no convention, are averaged")
  func channels() throws {
    let frame: [Float] = [0.6, 0, 0, 0, 0, 0.3] + Array(repeating: 0, count: 6)
    let samples: [Float] = (0..<200).flatMap { _ in frame }
    let reader = try SoundFileReader.open(try scratch.wav("in.wav", samples, channels: 12))
    #expect(reader.channels == 12)
    let mono = readAll(reader)
    #expect(mono.count == 200)
    #expect(mono.allSatisfy { abs($0 - 0.075) < 1e-6 })
  }

  @Test("NaN, infinity and absurd samples become silence and are counted")
  func invalid() throws {
    let path = try scratch.wav("in.wav", [0.5, .nan, .infinity, -.infinity, 1e30, -0.5])
    let reader = try SoundFileReader.open(path)
    #expect(readAll(reader) == [0.5, 0, 0, 0, 0, -0.5])
    #expect(reader.invalidSamples == 4)
  }

  @Test("one sample is a sound", arguments: [24_000, 8_000, 192_000])
  func oneSample(rate: Int) throws {
    let samples = readAll(try SoundFileReader.open(try scratch.wav("in.wav", [0.5], rate: rate)))
    #expect(abs(samples.count - 24_000 / rate) <= 1)
  }

  @Test("a WAV file cut off in the middle yields what it has")
  func truncated() throws {
    let all = wavBytes(channels: 1, rate: 24_000, data: [UInt8](repeating: 1, count: 2_000))
    let path = try scratch.file("cut.wav", Array(all[..<1044]))
    #expect(readAll(try SoundFileReader.open(path)).count == 500)
  }

  @Test("an unreadable file is reported with the reason")
  func refusals() throws {
    try refused("nowhere.wav") { .notFound(path: $0) }
    try refused("", scratch.directory.path) { .isDirectory(path: $0) }
    try refused("", try scratch.file("none.wav", [])) { .empty(path: $0) }
    try refused("", try scratch.file("silent.wav", wavBytes(channels: 1, rate: 24_000, data: []))) {
      .empty(path: $0)
    }
    let data = [UInt8](repeating: 0, count: 64)
    try refused("", try scratch.file("zero.wav", wavBytes(channels: 0, rate: 24_000, data: data))) {
      .unsupportedChannels(path: $0, channels: 0, limit: 1024)
    }
    try refused("", try scratch.file("many.wav", wavBytes(channels: 2_000, rate: 24_000, data: data))) {
      .unsupportedChannels(path: $0, channels: 2_000, limit: 1024)
    }
    for rate in [0, 100, 5_000_000, 0xFFFF_FFF0] {
      try refused("", try scratch.file("rate.wav", wavBytes(channels: 1, rate: rate, data: data))) {
        .unsupportedRate(path: $0, rate: rate, lowest: 4_000, highest: 384_000)
      }
    }
    try refused("", try scratch.file("text.wav", Array("Dear Sir, this is not a sound.\n".utf8))) {
      .notASoundFile(path: $0, reason: "Format not recognised.")
    }
  }

  private func refused(_ name: String, _ path: String? = nil, _ expected: (String) -> SoundFileError) throws {
    let path = path ?? scratch.path(name)
    #expect(throws: expected(path)) { try SoundFileReader.open(path) }
  }

  @Test(
    "a file without read permission is reported as such",
    .enabled(if: geteuid() != 0, "root may read everything"))
  func permission() throws {
    let path = try scratch.wav("in.wav", [0.5])
    chmod(path, 0)
    #expect(throws: SoundFileError.unreadable(path: path, errno: EACCES)) { try SoundFileReader.open(path) }
  }

  @Test("a FLAC file damaged in the middle ends with a failure or with fewer samples, and no crash")
  func damaged() throws {
    let path = scratch.path("damaged.flac")
    let writer = try SoundFileWriter.create(path)
    writeAll(noise(48_000), to: writer)
    try writer.finish()
    var data = try Data(contentsOf: URL(fileURLWithPath: path))
    data.replaceSubrange(data.count / 2..<data.count / 2 + 20_000, with: Data(count: 20_000))
    try data.write(to: URL(fileURLWithPath: path))
    let reader = try SoundFileReader.open(path)
    let samples = readAll(reader)
    #expect(reader.failure != nil || samples.count < 48_000)
  }
}
