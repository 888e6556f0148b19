import Foundation
import Glibc
import Testing

@testable import AudioIO

/// Sound files as found in practice: concatenated, truncated, with wrong sizes, and in pipes.
@Suite("Irregular sound files")
struct SoundStreamTests {
  let scratch: Scratch
  private let voice = tone(440, count: 24_000)

  init() throws { scratch = try Scratch() }

  private func encoded(
    _ name: String, rate: Int = 24_000, channels: Int = 1, seconds: Int = 1
  ) throws -> [UInt8] {
    let path = scratch.path("part-\(UUID()).\(name)")
    let writer = try SoundFileWriter.create(path, channels: channels, sampleRate: rate)
    writeAll(tone(440, rate: Double(rate), count: rate * seconds), to: writer)
    try writer.finish()
    return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  // MARK: Chains

  @Test(
    "concatenated files are read one after another", arguments: ["wav", "flac", "ogg", "opus", "mp3"])
  func joined(name: String) throws {
    let path = try scratch.file("joined.\(name)", encoded(name) + encoded(name) + encoded(name))
    let reader = try SoundFileReader.open(path)
    let samples = readAll(reader)
    #expect(abs(samples.count - 72_000) <= 3)
    #expect(reader.failure == nil && reader.remarks.isEmpty)
    #expect(abs(try #require(reader.duration) - 3) < 0.01)
    // The last second is sound, not silence.
    #expect(toneToRest(samples[50_000..<70_000], 440) > 10)
  }

  @Test(
    "the next stream may have another rate and other channels",
    arguments: ["wav", "flac", "ogg", "opus", "mp3"])
  func otherForm(name: String) throws {
    let path = try scratch.file("joined.\(name)", encoded(name) + encoded(name, rate: 48_000, channels: 2))
    let reader = try SoundFileReader.open(path)
    let samples = readAll(reader)
    #expect(abs(samples.count - 48_000) <= 4)
    #expect(toneToRest(samples[26_000..<46_000], 440) > 10)
  }

  @Test("concatenated files of different formats are read if the first marks its end")
  func mixed() throws {
    let path = try scratch.file("joined.wav", encoded("wav") + encoded("flac") + encoded("flac"))
    #expect(readAll(try SoundFileReader.open(path)).count == 72_000)
  }

  @Test("an unreadable stream in a chain ends the sound with an error")
  func brokenChain() throws {
    var second = try encoded("opus")
    // The page begins a stream of an unknown kind.
    second.replaceSubrange(28..<36, with: Array("Unheard!".utf8))
    let path = try scratch.file("joined.opus", encoded("opus") + second)
    let reader = try SoundFileReader.open(path)
    #expect(abs(readAll(reader).count - 24_000) <= 1)
    guard case .damaged(_, let seconds, _) = reader.failure as? SoundFileError else {
      Issue.record("\(String(describing: reader.failure))")
      return
    }
    #expect(abs(seconds - 1) < 0.01)
  }

  // MARK: Sizes

  @Test("sound whose size in the header is 0 is read to the end of the file, and a remark says so")
  func zeroSize() throws {
    let data = Handmade.pcm(voice)
    let files = [
      Handmade.wav(data, size: 0), Handmade.wav(data, size: 0, riff: 0), Handmade.rf64(data, size: 0),
      Handmade.rf64(data, size: 0, word: "BW64"), Handmade.wave64(data, size: 0),
      Handmade.wave64(data, size: 24),
      Handmade.au(data, size: 0), Handmade.caf(data, size: 0),
    ]
    for (index, bytes) in files.enumerated() {
      let reader = try SoundFileReader.open(try scratch.file("\(index).wav", bytes))
      let samples = readAll(reader)
      #expect(samples.count == 24_000, "file \(index)")
      #expect(zip(samples, voice).allSatisfy { abs($0 - $1) < 1e-4 }, "file \(index)")
      #expect(reader.remarks == [.wrongSize(bytes: 0)], "file \(index)")
    }
  }

  @Test("sound beyond a size that is too small is read, too")
  func smallSize() throws {
    let reader = try SoundFileReader.open(
      try scratch.file("in.wav", Handmade.wav(Handmade.pcm(voice), size: 1000)))
    #expect(readAll(reader).count == 24_000)
    #expect(reader.remarks == [.wrongSize(bytes: 1000)])
  }

  @Test(
    "a size that means \"unknown\" is not an error", arguments: [0xFFFF_FFFF, 0x7FFF_FFFF, 0x8000_0000])
  func unknownSize(size: Int) throws {
    let data = Handmade.pcm(voice)
    let files = [Handmade.wav(data, size: size), Handmade.au(data, size: nil), Handmade.caf(data, size: -1)]
    for (index, bytes) in files.enumerated() {
      let reader = try SoundFileReader.open(try scratch.file("\(index).wav", bytes))
      #expect(readAll(reader).count == 24_000 && reader.remarks.isEmpty, "file \(index)")
    }
  }

  @Test("chunks and tags after the sound are not taken for sound")
  func behind() throws {
    let list = Array("LIST".utf8) + Handmade.little(4, 4) + Array("INFO".utf8)
    let tag = Array("TAG".utf8) + [UInt8](repeating: 0, count: 125)
    for (index, behind) in [list, tag, list + tag, [0, 0, 0]].enumerated() {
      let reader = try SoundFileReader.open(
        try scratch.file("\(index).wav", Handmade.wav(Handmade.pcm(voice), behind: behind)))
      #expect(readAll(reader).count == 24_000 && reader.remarks.isEmpty, "\(index)")
    }
  }

  @Test("a truncated file yields what it has, and the promised length is reported")
  func cut() throws {
    let whole = Handmade.wav(Handmade.pcm(voice))
    let reader = try SoundFileReader.open(try scratch.file("cut.wav", Array(whole[..<(44 + 24_000)])))
    #expect(readAll(reader).count == 12_000)
    #expect(reader.remarks == [.cut(seconds: 0.5, promised: 1)])
    let opus = try encoded("opus", seconds: 5)
    let other = try SoundFileReader.open(try scratch.file("cut.opus", Array(opus[..<(opus.count * 2 / 3)])))
    let count = readAll(other).count
    #expect(count > 0 && count < 5 * 24_000)
    #expect(other.remarks.contains { if case .cut(_, nil) = $0 { true } else { false } })
  }

  @Test("a FLAC stream of unknown length, as written to a pipe, is read")
  func flacWithoutLength() throws {
    var bytes = try encoded("flac")
    bytes[21] &= 0xF0
    bytes.replaceSubrange(22..<26, with: [0, 0, 0, 0])
    let reader = try SoundFileReader.open(try scratch.file("in.flac", bytes))
    #expect(readAll(reader).count == 24_000 && reader.failure == nil && reader.remarks.isEmpty)
  }

  @Test("MP3 after a tag or after junk is read")
  func mp3() throws {
    let tag = Array("ID3".utf8) + [3, 0, 0, 0, 0, 7, 0x76] + [UInt8](repeating: 0, count: 1014)
    for (index, before) in [tag, [UInt8](repeating: 7, count: 3000)].enumerated() {
      let reader = try SoundFileReader.open(try scratch.file("\(index).mp3", before + encoded("mp3")))
      #expect(readAll(reader).count == 24_000, "\(index)")
    }
  }

  // MARK: Pipes

  @Test("a sound file is recognized in a pipe", arguments: ["wav", "flac", "ogg", "opus", "mp3"])
  func piped(name: String) throws {
    let bytes = try encoded(name, rate: 48_000, channels: 2)
    let input = pipe(of: bytes)
    defer { close(input) }
    let reader = try SoundFileReader.open("-", standardInput: input)
    #expect(reader.fileRate == 48_000 && reader.channels == 2)
    let samples = readAll(reader)
    #expect(samples == readAll(try SoundFileReader.open(try scratch.file("same.\(name)", bytes))))
  }

  @Test("concatenated files in a pipe are read, or a remark says that more follows")
  func pipedChain() throws {
    let opus = try encoded("opus")
    let first = pipe(of: opus + opus)
    #expect(abs(readAll(try SoundFileReader.open("-", standardInput: first)).count - 48_000) <= 2)
    let wav = try encoded("wav")
    for rest in [wav, Handmade.pcm(noise(100))] {
      let reader = try SoundFileReader.open("-", standardInput: pipe(of: wav + rest))
      #expect(readAll(reader).count == 24_000)
      #expect(reader.remarks == [.more(seconds: 1)])
    }
  }

  @Test("WAV in a pipe is not held back until the pipe ends")
  func live() throws {
    var ends: [Int32] = [0, 0]
    try #require(Glibc.pipe(&ends) == 0)
    let bytes = Handmade.wav(Handmade.pcm(tone(440, count: 4_800)), size: 0)
    #expect(write(ends[1], bytes, bytes.count) == bytes.count)
    let reader = try SoundFileReader.open("-", standardInput: ends[0])
    var block = [Float](repeating: 0, count: 1920)
    var span = block.mutableSpan
    #expect(reader.read(into: &span) == 1920)
    close(ends[1])
    #expect(readAll(reader).count == 4_800 - 1920)
  }

  @Test("a file on standard input is read from its current offset")
  func redirected() throws {
    let path = try scratch.file("in", Array("before".utf8) + Handmade.wav(Handmade.pcm(voice)))
    let descriptor = open(path, O_RDONLY)
    defer { close(descriptor) }
    lseek(descriptor, 6, SEEK_SET)
    #expect(readAll(try SoundFileReader.open("-", standardInput: descriptor)).count == 24_000)
  }

  @Test("raw samples that begin like an MPEG frame stay raw samples")
  func rawLikeMPEG() throws {
    // -1025, and then a tone.
    let bytes = [0xFF, 0xFB, 0x90, 0x64] + Handmade.pcm(voice)
    let reader = try SoundFileReader.open("-", standardInput: pipe(of: bytes))
    #expect(reader.channels == 1 && readAll(reader).count == 24_002)
  }

  @Test("an unsupported container in a pipe is refused, not taken for samples")
  func unreadable() throws {
    let mp4: [UInt8] = [0, 0, 0, 32] + Array("ftypM4A ".utf8) + [UInt8](repeating: 0, count: 4000)
    let aac = (0..<9).flatMap { _ in
      [0xFF, 0xF1, 0x50, 0x80, 0x02, 0x1F, 0xFC] + [UInt8](repeating: 0, count: 9)
    }
    for bytes in [mp4, aac, Array("FORM".utf8) + [UInt8](repeating: 0, count: 400)] {
      let input = pipe(of: bytes)
      let error = #expect(throws: SoundFileError.self) { try SoundFileReader.open("-", standardInput: input) }
      guard case .notASoundFile("-", _) = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
    }
  }

  @Test("a stream with a rate that is refused, behind another or before it")
  func refusedRate() throws {
    let wav = try encoded("wav")
    let slow = wavBytes(channels: 1, rate: 100, data: [UInt8](repeating: 0, count: 64))
    let reader = try SoundFileReader.open(try scratch.file("behind.wav", wav + slow))
    #expect(readAll(reader).count == 24_000)
    guard case .damaged(_, 1, _) = reader.failure as? SoundFileError else {
      Issue.record("\(String(describing: reader.failure))")
      return
    }
    let before = try scratch.file("before.wav", slow + wav)
    #expect(throws: SoundFileError.unsupportedRate(path: before, rate: 100, lowest: 4_000, highest: 384_000))
    {
      try SoundFileReader.open(before)
    }
  }

  @Test("unreadable standard input is reported with the reason")
  func badInput() throws {
    #expect(throws: SoundFileError.unreadable(path: "-", errno: EBADF)) {
      try SoundFileReader.open("-", standardInput: 999)
    }
    let directory = open(scratch.directory.path, O_RDONLY)
    defer { close(directory) }
    #expect(throws: SoundFileError.unreadable(path: "-", errno: EISDIR)) {
      try SoundFileReader.open("-", standardInput: directory)
    }
  }
}
