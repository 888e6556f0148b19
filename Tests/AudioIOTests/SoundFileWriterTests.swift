import Foundation
import Glibc
import Testing

@testable import AudioIO

/// Memory that cannot grow beyond `size` bytes, which looks like a full disk to its writer.
private func boundedFile(_ size: Int) -> Int32? {
  typealias Create = @convention(c) (UnsafePointer<CChar>, UInt32) -> Int32
  guard let symbol = dlsym(nil, "memfd_create") else { return nil }
  let allowSealing: UInt32 = 2
  let addSeals: Int32 = 1033
  let sealGrow: Int32 = 4
  let descriptor = unsafeBitCast(symbol, to: Create.self)("full", allowSealing)
  guard ftruncate(descriptor, size) == 0, fcntl(descriptor, addSeals, sealGrow) == 0 else { return nil }
  return descriptor
}

private func makePipe() throws -> (readEnd: Int32, writeEnd: Int32) {
  var ends: [Int32] = [0, 0]
  try #require(Glibc.pipe(&ends) == 0)
  return (ends[0], ends[1])
}

@Suite("Writing sound files")
struct SoundFileWriterTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  /// Extension, how far the tone must stand above what coding adds (dB), and how far the length may be off.
  static let formats: [(String, Double, Int)] = [
    ("wav", 80, 0), ("flac", 80, 0), ("ogg", 20, 0), ("opus", 12, 0), ("mp3", 20, 0),
  ]

  @Test("a tone survives every format", arguments: formats)
  func roundTrip(name: String, purity: Double, slack: Int) throws {
    let path = scratch.path("out.\(name)")
    let writer = try SoundFileWriter.create(path)
    writeAll(tone(1_000, count: 24_000), to: writer)
    try writer.finish()

    let reader = try SoundFileReader.open(path)
    #expect(reader.fileRate == 24_000 && reader.channels == 1)
    let samples = readAll(reader)
    #expect(abs(samples.count - 24_000) <= slack)
    #expect(toneToRest(samples[2_400..<21_600], 1_000) > purity)
  }

  @Test("one or two channels, and no others", arguments: [Int.min, -1, 0, 3, .max])
  func channels(count: Int) {
    let path = scratch.path("out.wav")
    #expect(
      throws: SoundFileError.badArgument(
        path: path, name: "channels", expected: "1 or 2", found: "\(count)")
    ) { try SoundFileWriter.create(path, channels: count) }
    #expect(access(path, F_OK) != 0)
  }

  @Test("an impossible rate is refused", arguments: [Int.min, -24_000, 0, 3_999, 384_001, .max])
  func rates(rate: Int) {
    let path = scratch.path("out.wav")
    #expect(
      throws: SoundFileError.badArgument(
        path: path, name: "sampleRate", expected: "a number from 4000 to 384000", found: "\(rate)")
    ) { try SoundFileWriter.create(path, sampleRate: rate) }
    #expect(access(path, F_OK) != 0)
  }

  @Test("writes after the end are refused, and the file stays unchanged")
  func afterFinish() throws {
    let path = scratch.path("out.wav")
    let writer = try SoundFileWriter.create(path)
    writeAll(tone(1_000, count: 2_400), to: writer)
    try writer.finish()
    let late = tone(1_000, count: 240)
    #expect(!writer.write(late.span) && writer.failure != nil)
    #expect(readAll(try SoundFileReader.open(path)).count == 2_400)
  }

  @Test("left and right stay separate in every format", arguments: formats.map(\.0))
  func stereo(name: String) throws {
    let path = scratch.path("out.\(name)")
    let writer = try SoundFileWriter.create(path, channels: 2)
    let left = tone(500, count: 24_000)
    let right = [Float](repeating: 0, count: 24_000)
    writer.write(left: left.span, right: right.span)
    try writer.finish()
    let reader = try SoundFileReader.open(path)
    #expect(reader.channels == 2)
    // The average of a tone and silence is half the tone.
    let peak = readAll(reader)[4_000..<20_000].max()!
    #expect(abs(peak - 0.25) < 0.02)
  }

  @Test("two channels at 48 kHz come back as mono at 24 kHz from every format", arguments: formats)
  func otherRate(name: String, purity: Double, slack: Int) throws {
    let path = scratch.path("out.\(name)")
    let writer = try SoundFileWriter.create(path, channels: 2, sampleRate: 48_000)
    writeAll(tone(1_000, rate: 48_000, count: 48_000), to: writer)
    try writer.finish()
    let reader = try SoundFileReader.open(path)
    #expect(reader.fileRate == 48_000 && reader.channels == 2)
    let samples = readAll(reader)
    #expect(abs(samples.count - 24_000) <= slack + 1)
    #expect(toneToRest(samples[2_400..<21_600], 1_000) > purity)
  }

  @Test("samples are clipped and counted, and never wrap round")
  func clipping() throws {
    let path = scratch.path("out.wav")
    let writer = try SoundFileWriter.create(path)
    writeAll([2, -2, .nan, .infinity, 1, -1, 0.5], to: writer)
    try writer.finish()
    #expect(writer.clippedSamples == 4)
    let samples = readAll(try SoundFileReader.open(path))
    for (sample, expected) in zip(samples, [1, -1, 0, 0, 1, -1, 0.5] as [Float]) {
      #expect(abs(sample - expected) < 1e-4)
    }
  }

  @Test("a float file keeps samples beyond full scale")
  func float() throws {
    let path = scratch.path("out.wav")
    let writer = try SoundFileWriter.create(path, format: .wavFloat)
    writeAll([1.5, -3, 0.1], to: writer)
    try writer.finish()
    #expect(readAll(try SoundFileReader.open(path)) == [1.5, -3, 0.1])
  }

  @Test("an interrupted run leaves a file with what was written", arguments: formats.map(\.0))
  func interrupted(name: String) throws {
    let path = scratch.path("out.\(name)")
    let writer = try SoundFileWriter.create(path)
    writeAll(noise(96_000), to: writer)
    // The file on the disk if the process dies here.
    let copy = scratch.path("copy.\(name)")
    try FileManager.default.copyItem(atPath: path, toPath: copy)
    let reader = try SoundFileReader.open(copy)
    let samples = readAll(reader)
    if name == "wav" { #expect(samples.count == 96_000) }
    #expect(samples.count > 60_000 && samples.count < 100_000)
    try writer.finish()
  }

  @Test("an existing output is kept unless overwriting is requested")
  func exists() throws {
    let path = try scratch.file("out.wav", Array("precious".utf8))
    #expect(throws: SoundFileError.outputExists(path: path)) { try SoundFileWriter.create(path) }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "precious")
    let writer = try SoundFileWriter.create(path, overwrite: true)
    writeAll([0.5], to: writer)
    try writer.finish()
    #expect(readAll(try SoundFileReader.open(path)).count == 1)
  }

  @Test("the file that is being read is never overwritten, under any name")
  func input() throws {
    let path = try scratch.wav("in.wav", [0.5])
    let other = scratch.path("other.wav")
    try FileManager.default.createSymbolicLink(atPath: other, withDestinationPath: path)
    #expect(throws: SoundFileError.outputIsInput(path: other)) {
      try SoundFileWriter.create(other, overwrite: true, input: path)
    }
    #expect(readAll(try SoundFileReader.open(path)) == [0.5])
  }

  @Test("raw sound goes through a pipe, both ways, as signed 16-bit little-endian")
  func pipe() throws {
    let (readEnd, writeEnd) = try makePipe()
    let writer = try SoundFileWriter.wrap(writeEnd, "-", 1, 24_000, .raw)
    writeAll([0, 0.5, -1, 1], to: writer)
    try writer.finish()
    var bytes = [UInt8](repeating: 0, count: 100)
    #expect(Glibc.read(readEnd, &bytes, 100) == 8)
    #expect(Array(bytes[..<8]) == [0, 0, 0, 0x40, 0x01, 0x80, 0xFF, 0x7F])
    close(readEnd)

    let (input, feed) = try makePipe()
    // The last byte is half a sample.
    #expect(Glibc.write(feed, [0x00, 0x40, 0x00, 0xC0, 0x77] as [UInt8], 5) == 5)
    close(feed)
    let reader = try SoundFileReader.open("-", standardInput: input)
    #expect(reader.duration == nil)
    #expect(readAll(reader) == [0.5, -0.5])
    close(input)

    let (empty, end) = try makePipe()
    close(end)
    #expect(throws: SoundFileError.empty(path: "-")) {
      try SoundFileReader.open("-", standardInput: empty)
    }
    close(empty)
  }

  @Test("writing stops when a pipe's reader closes it")
  func brokenPipe() throws {
    signal(SIGPIPE, SIG_IGN)
    let (readEnd, writeEnd) = try makePipe()
    let writer = try SoundFileWriter.wrap(writeEnd, "-", 1, 24_000, .raw)
    close(readEnd)
    #expect(!writeAll([0.5], to: writer))
    #expect(
      writer.failure as? SoundFileError == .writeFailed(path: "-", errno: EPIPE, seconds: 0, bytes: 0))
  }

  @Test("an output that cannot be created is reported with the reason")
  func refusals() throws {
    let directory = scratch.directory.path
    for name in ["out.xyz", "out", "wav", "dir.wav/out", ".wav/x"] {
      let path = directory + "/" + name
      #expect(
        throws: SoundFileError.unknownExtension(path: path, known: ["wav", "flac", "ogg", "opus", "mp3"])
      ) {
        try SoundFileWriter.create(path)
      }
    }
    let nowhere = directory + "/no/such/out.wav"
    #expect(throws: SoundFileError.cannotCreate(path: nowhere, errno: ENOENT)) {
      try SoundFileWriter.create(nowhere)
    }
    try FileManager.default.createDirectory(atPath: directory + "/d.wav", withIntermediateDirectories: false)
    #expect(throws: SoundFileError.isDirectory(path: directory + "/d.wav")) {
      try SoundFileWriter.create(directory + "/d.wav", overwrite: true)
    }
    let full = scratch.path("full.wav")
    try FileManager.default.createSymbolicLink(atPath: full, withDestinationPath: "/dev/full")
    #expect(throws: SoundFileError.cannotCreate(path: full, errno: ENOSPC)) {
      try SoundFileWriter.create(full, overwrite: true)
    }
  }

  @Test(
    "when the disk fills up, writing stops, its progress is reported, and the file is valid",
    arguments: [SoundFileFormat.wav, .flac, .ogg, .opus, .mp3, .raw])
  func fullDisk(format: SoundFileFormat) throws {
    let size = 40_000
    let descriptor = try #require(boundedFile(size))
    defer { close(descriptor) }
    let writer = try SoundFileWriter.wrap(dup(descriptor), "full", 1, 24_000, format)
    let isComplete = writeAll(noise(960_000), to: writer)
    #expect(!isComplete)
    guard case .writeFailed("full", EPERM, let seconds, let bytes) = writer.failure as? SoundFileError else {
      Issue.record("\(String(describing: writer.failure))")
      return
    }
    #expect(seconds > 0 && seconds < 40 && bytes <= size)
    #expect(throws: (writer.failure as? SoundFileError)!) { try writer.finish() }
    guard format != .raw else { return }
    let samples = readAll(try SoundFileReader.open("/proc/self/fd/\(descriptor)"))
    #expect(samples.count > 0)
  }
}
