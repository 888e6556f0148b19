import Foundation
import Testing

@testable import AudioIO

@Suite("Many channels become one")
struct DownmixTests {
  let scratch: Scratch
  private let voice = tone(440, count: 48_000)

  init() throws { scratch = try Scratch() }

  /// A WAV file of these channels.
  private func file(_ channels: [Float]..., rate: Int = 24_000) throws -> String {
    let frames = channels[0].count
    let samples = (0..<frames).flatMap { frame in channels.map { $0[frame] } }
    return try scratch.wav("\(UUID()).wav", samples, channels: channels.count, rate: rate)
  }

  private func cancelling(_ reader: SoundFileReader) -> (channel: Int, seconds: Double)? {
    for case .cancelling(let channel, let seconds) in reader.remarks { return (channel, seconds) }
    return nil
  }

  private func level(_ samples: some Collection<Float>) -> Double {
    let energy = samples.reduce(0.0) { $0 + Double($1) * Double($1) }
    return 10 * log10(energy / Double(samples.count))
  }

  @Test("two channels of opposite phase become the first, and a remark says so")
  func opposite() throws {
    let reader = try SoundFileReader.open(try file(voice, voice.map { -$0 }))
    #expect(readAll(reader) == voice)
    let note = try #require(cancelling(reader))
    #expect(note.channel == 1 && note.seconds == 2)
  }

  @Test("of two channels that cancel, the louder is used")
  func louder() throws {
    let reader = try SoundFileReader.open(try file(voice.map { $0 * -0.5 }, voice))
    #expect(readAll(reader) == voice)
    #expect(cancelling(reader)?.channel == 2)
  }

  @Test("where channels cancel one of them is used, elsewhere their mean")
  func inParts() throws {
    let other = voice.enumerated().map { (12_000..<36_000).contains($0) ? -$1 : $1 }
    let reader = try SoundFileReader.open(try file(voice, other))
    let heard = readAll(reader)
    #expect(Array(heard[..<12_000]) == Array(voice[..<12_000]))
    #expect(Array(heard[40_000...]) == Array(voice[40_000...]))
    for start in stride(from: 0, to: 48_000, by: 2400) {
      #expect(abs(level(heard[start..<start + 2400]) - level(voice[start..<start + 2400])) < 1, "at \(start)")
    }
    #expect(cancelling(reader) != nil)
  }

  @Test("channels that cancel in a pipe are audible within a moment")
  func inPipe() throws {
    let data = Handmade.pcm(voice.flatMap { [$0, -$0] })
    let reader = try SoundFileReader.open(
      "-", standardInput: pipe(of: Handmade.wav(data, channels: 2, size: 0)))
    let heard = readAll(reader)
    #expect(heard.count == 48_000 && abs(level(heard) - level(voice)) < 0.1)
  }

  @Test("equal channels, one silent channel, and uncorrelated channels are simply averaged")
  func ordinary() throws {
    let silence = [Float](repeating: 0, count: 48_000)
    let (a, b) = (Array(noise(96_000)[..<48_000]), Array(noise(96_000)[48_000...]))
    for (left, right) in [(voice, voice), (silence, voice), (a, b), (a, voice)] {
      let reader = try SoundFileReader.open(try file(left, right))
      #expect(readAll(reader) == zip(left, right).map { ($0 + $1) * 0.5 })
      #expect(reader.remarks.isEmpty)
    }
  }

  @Test("six channels are mixed by loudspeaker position: a voice in the centre is not lost")
  func six() throws {
    let silence = [Float](repeating: 0, count: 48_000)
    for (place, weight) in [(0, 0.5), (1, 0.5), (2, 0.7071), (4, 0.3536), (5, 0.3536)] {
      var channels = Array(repeating: silence, count: 6)
      channels[place] = voice
      let reader = try SoundFileReader.open(
        try file(channels[0], channels[1], channels[2], channels[3], channels[4], channels[5]))
      let heard = readAll(reader)
      #expect(zip(heard, voice).allSatisfy { abs($0 - $1 * Float(weight)) < 1e-3 }, "channel \(place + 1)")
      #expect(reader.remarks.isEmpty)
    }
  }

  @Test("sound only in channels that a mix leaves out is still heard")
  func onlyLow() throws {
    let silence = [Float](repeating: 0, count: 48_000)
    let reader = try SoundFileReader.open(try file(silence, silence, silence, voice, silence, silence))
    #expect(readAll(reader) == voice)
    #expect(cancelling(reader)?.channel == 4)
  }

  @Test("loudspeaker positions in the file are used")
  func mask() throws {
    // In this order low and centre are swapped: the mask has only left, right, centre and low.
    let positions = ChannelPosition.list(mask: 0b1111, channels: 4)
    #expect(positions == [.left, .right, .centre, .low])
    #expect(ChannelPosition.list(mask: 0b1111, channels: 6) == nil)
    #expect(ChannelPosition.list(mask: 0x63F, channels: 8)?.last == .rearRight)
    #expect(ChannelPosition.usual(6, isVorbis: true)?[1] == .centre)
    #expect(ChannelPosition.usual(6, isVorbis: false)?[2] == .centre)
  }

  @Test("one channel is used on request, and a missing one is an error")
  func chosen() throws {
    let other = tone(900, count: 48_000)
    let path = try file(voice, other)
    #expect(readAll(try SoundFileReader.open(path, channel: 1)) == voice)
    #expect(readAll(try SoundFileReader.open(path, channel: 2)) == other)
    #expect(throws: SoundFileError.noChannel(path: path, channel: 3, channels: 2)) {
      try SoundFileReader.open(path, channel: 3)
    }
    #expect(throws: SoundFileError.noChannel(path: path, channel: 0, channels: 2)) {
      try SoundFileReader.open(path, channel: 0)
    }
    let opposite = try SoundFileReader.open(try file(voice, voice.map { -$0 }), channel: 2)
    #expect(readAll(opposite) == voice.map { -$0 } && opposite.remarks.isEmpty)
  }
}
