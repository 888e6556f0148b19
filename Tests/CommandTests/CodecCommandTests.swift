import AudioIO
import Checkpoint
import Foundation
import Glibc
import Runtime
import TestSupport
import Testing

/// `encode` and `decode` as a person runs them, with the tiny codec.
@Suite struct CodecCommandTests {
  private let directory: TemporaryDirectory
  private let codec = Golden.path("tiny-codec/model.safetensors")

  init() throws { directory = try TemporaryDirectory() }

  private func file(_ name: String) -> String { directory.file(name) }

  /// The golden voice as a sound file.
  private func voice(_ name: String, rate: Int = 24_000, channels: Int = 1) throws -> String {
    let pcm = try Golden.open("tiny-codec/input.safetensors").floats("pcm", rank: 1).values
    let sink = try SoundFileWriter.create(file(name), channels: channels, sampleRate: rate, format: .wavFloat)
    sink.write(pcm.span)
    try sink.finish()
    return file(name)
  }

  @Test("encode answers with the reference's codes, and decode with its sound")
  func golden() throws {
    let encoded = try Program.run("encode", try voice("in.wav"), file("speech.codes"), "--codec", codec)
    #expect(encoded.code == 0 && encoded.errors == "")
    let expected = try Golden.open("tiny-codec/output.safetensors")
    let codes = try CodesFile(file("speech.codes"))
    #expect(codes.codes == (try expected.int32s("codes", rank: 2).values))
    #expect(codes.codebooks == 8 && codes.frames == 12 && codes.samples == 23_040)
    #expect(codes.sampleRate == 24_000 && codes.frameRate == 12.5 && codes.codec?.count == 64)

    let decoded = try Program.run("decode", file("speech.codes"), file("again.wav"), "--codec", codec)
    #expect(decoded.code == 0 && decoded.errors == "")
    let reader = try SoundFileReader.open(file("again.wav"))
    var pcm = [Float](repeating: 0, count: 24_000)
    var span = pcm.mutableSpan
    #expect(reader.read(into: &span) == 23_040)
    let reference = try expected.floats("pcm", rank: 1).values.map { max(-1, min(1, $0)) }
    // One step of 16 bits and a half.
    #expect(largestDifference(Array(pcm[..<23_040]), reference) < 1.5 / 32_768)
  }

  @Test("fewer codebooks are the first ones")
  func codebooks() throws {
    let voice = try voice("in.wav")
    _ = try Program.run("encode", voice, file("3.codes"), "--codec", codec, "--codebooks", "3")
    let all = try Golden.open("tiny-codec/output.safetensors").int32s("codes", rank: 2).values
    #expect(try CodesFile(file("3.codes")).codes == Array(all[..<36]))
  }

  @Test("the codes are printed as JSON")
  func json() throws {
    let result = try Program.run("encode", try voice("in.wav"), file("a.codes"), "--codec", codec, "--json")
    let view = try #require(try JSONSerialization.jsonObject(with: result.output) as? [String: Any])
    #expect(view["codebooks"] as? Int == 8 && view["frames"] as? Int == 12)
    #expect((view["codes"] as? [[Int]])?.map(\.count) == Array(repeating: 12, count: 8))
  }

  @Test("raw sound on standard input and output goes through both")
  func pipes() throws {
    let pcm = try Golden.open("tiny-codec/input.safetensors").floats("pcm", rank: 1).values
    let raw = pcm.map { Int16($0 * 32_767) }.withUnsafeBytes { Data($0) }
    let encoded = try Program.start(["encode", "-", file("raw.codes"), "--codec", codec], input: raw).wait()
    #expect(encoded.code == 0)
    let decoded = try Program.run("decode", file("raw.codes"), "-", "--codec", codec)
    #expect(decoded.code == 0 && decoded.output.count == 2 * 23_040)
  }

  @Test("8 kHz, 192 kHz and six channels are read like any other sound", arguments: [8_000, 192_000])
  func rates(rate: Int) throws {
    let voice = try voice("in.wav", rate: rate, channels: 2)
    let result = try Program.run("encode", voice, file("a.codes"), "--codec", codec)
    #expect(result.code == 0)
    let seconds = 23_040 / Double(rate)
    #expect(try CodesFile(file("a.codes")).frames == Int((seconds * 12.5).rounded(.up)))
  }

  @Test("values that are not numbers are silence, and that is said")
  func notNumbers() throws {
    var samples = [Float](repeating: 0.1, count: 4_000)
    (samples[7], samples[8], samples[9]) = (.nan, .infinity, -.infinity)
    var wav = Data("RIFF".utf8)
    func append(_ value: UInt32, _ bytes: Int) {
      withUnsafeBytes(of: value.littleEndian) { wav += $0.prefix(bytes) }
    }
    append(36 + 16_000, 4)
    wav += Data("WAVEfmt ".utf8)
    for (value, bytes) in [(16, 4), (3, 2), (1, 2), (24_000, 4), (96_000, 4), (4, 2), (32, 2)] {
      append(UInt32(value), bytes)
    }
    wav += Data("data".utf8)
    append(16_000, 4)
    samples.withUnsafeBytes { wav += $0 }
    try wav.write(to: URL(filePath: file("nan.wav")))
    let result = try Program.run("encode", file("nan.wav"), file("nan.codes"), "--codec", codec)
    #expect(result.code == 0)
    #expect(result.errors == "note: 3 samples were not numbers and were taken as silence.\n")
  }

  @Test("one sample is a frame")
  func oneSample() throws {
    let sink = try SoundFileWriter.create(file("one.wav"))
    sink.write([0.5].span)
    try sink.finish()
    #expect(try Program.run("encode", file("one.wav"), file("one.codes"), "--codec", codec).code == 0)
    let codes = try CodesFile(file("one.codes"))
    #expect(codes.frames == 1 && codes.samples == 1)
  }

  @Test("a wrong input is one sentence and its exit code")
  func badInput() throws {
    try Data().write(to: URL(filePath: file("empty.wav")))
    try Data("Dear diary, today I did not record anything.".utf8).write(to: URL(filePath: file("text.wav")))
    let voice = try voice("ok.wav")
    var channels = try Data(contentsOf: URL(filePath: voice))
    channels[22] = 0
    try channels.write(to: URL(filePath: file("none.wav")))
    let cases: [(String, Int32, String)] = [
      ("empty.wav", 65, "'empty.wav' holds no sound."),
      ("text.wav", 65, "'text.wav' is not a sound file that can be read: "),
      ("none.wav", 65, "'none.wav' says that it has 0 channels; 1 to 1024 can be read."),
      ("missing.wav", 66, "There is no file 'missing.wav'."),
      (".", 66, "'.' is a directory, not a sound file."),
    ]
    for (name, code, sentence) in cases {
      let result = try Program.run("encode", name, "x.codes", "--codec", codec, directory: directory.path)
      #expect(result.code == code, "\(name)")
      #expect(result.sentence.hasPrefix(sentence), "\(name): \(result.errors)")
      #expect(result.errors.split(separator: "\n").count == 2)
      #expect(!FileManager.default.fileExists(atPath: file("x.codes")))
    }
  }

  @Test(
    "a file that may not be read is one sentence", .enabled(if: geteuid() != 0, "root may read everything"))
  func forbidden() throws {
    let voice = try voice("in.wav")
    chmod(voice, 0)
    let result = try Program.run("encode", voice, file("x.codes"), "--codec", codec)
    #expect(result.code == 66 && result.sentence.hasSuffix("cannot be read: Permission denied."))
  }

  @Test("an output that is there is kept, unless it may be replaced")
  func exists() throws {
    let voice = try voice("in.wav")
    try Data("precious".utf8).write(to: URL(filePath: file("x.codes")))
    let refused = try Program.run("encode", voice, file("x.codes"), "--codec", codec)
    #expect(refused.code == 73 && refused.sentence == "'\(file("x.codes"))' is there already.")
    #expect(try String(contentsOfFile: file("x.codes"), encoding: .utf8) == "precious")
    #expect(try Program.run("encode", voice, file("x.codes"), "--codec", codec, "--overwrite").code == 0)
    let again = try Program.run("decode", file("x.codes"), voice, "--codec", codec)
    #expect(again.code == 73 && again.sentence == "'\(voice)' is there already.")
  }

  @Test("an output that cannot be made is one sentence")
  func cannotCreate() throws {
    let result = try Program.run("encode", try voice("in.wav"), "/nowhere/x.codes", "--codec", codec)
    #expect(result.code == 73)
    #expect(result.sentence == "'/nowhere/x.codes' cannot be written: No such file or directory.")
  }

  @Test("codes that the codec cannot read are refused")
  func badCodes() throws {
    func refusal(_ codes: [Int32], _ codebooks: Int, codec made: String? = nil) throws -> Program.Result {
      var metadata = ["sample_rate": "24000"]
      metadata["codec"] = made
      var writer = SafetensorsWriter(metadata: metadata)
      writer.add("codes", codes, shape: [codebooks, codes.count / codebooks])
      try writer.write(to: file("bad.codes"))
      return try Program.run("decode", "bad.codes", "bad.wav", "--codec", codec, directory: directory.path)
    }
    let range = try refusal([1, 2, 3, 32], 2)
    #expect(range.code == 65)
    #expect(range.sentence == "'bad.codes', frame 1, codebook 1: the code 32 is not below 32.")
    #expect(
      try refusal([0, -1], 1).sentence == "'bad.codes', frame 1, codebook 0: the code -1 is not below 32.")
    let many = try refusal(Array(repeating: 0, count: 9), 9)
    #expect(many.code == 65 && many.sentence == "'bad.codes' has 9 codebooks, and the codec has 8.")
    let other = try refusal([0], 1, codec: String(repeating: "0", count: 64))
    #expect(other.code == 65 && other.sentence.hasPrefix("'bad.codes' was made by another codec than "))
    #expect(!FileManager.default.fileExists(atPath: file("bad.wav")))
  }

  @Test("a wrong codec is one sentence and its exit code")
  func badCodec() throws {
    try Data("short".utf8).write(to: URL(filePath: file("bad.safetensors")))
    let voice = try voice("in.wav")
    let cases = [
      ("bad.safetensors", 65, "'bad.safetensors' is not a safetensors file: it is shorter than a header."),
      ("missing", 66, "There is no file 'missing'."),
      (".", 66, "'.' is a directory, not a file."),
      (Golden.path("layers.safetensors"), 65, "'\(Golden.path("layers.safetensors"))' has no tensor "),
    ]
    for (name, code, sentence) in cases {
      let result = try Program.run(
        "encode", voice, file("x.codes"), "--codec", name, directory: directory.path)
      #expect(result.code == code && result.sentence.hasPrefix(sentence), "\(name): \(result.errors)")
    }
  }

  @Test("Ctrl-C leaves a whole file of what was decoded so far", arguments: [SIGINT, SIGTERM])
  func interrupted(signal: Int32) throws {
    // Long enough to be met in the middle on any machine: nine hours.
    let frames = 400_000
    let codes = [Int32](repeating: 3, count: 8 * frames)
    try CodesFile(
      frameCodes: codes, codebooks: 8, sampleRate: 24_000, frameRate: 12.5,
      codec: try Golden.open("tiny-codec/model.safetensors").digest, samples: frames * 1920
    ).write(to: file("long.codes"))
    let running = try Program.start(["decode", file("long.codes"), file("long.wav"), "--codec", codec])
    running.interrupt(signal, once: file("long.wav"), reaches: 400_000)
    let result = try running.wait()
    #expect(result.code == 128 + signal)
    #expect(result.sentence.hasPrefix("Stopped by a signal after "))
    let reader = try SoundFileReader.open(file("long.wav"))
    let seconds = try #require(reader.duration)
    #expect(seconds > 1 && seconds < Double(frames) * 0.08)
    #expect(result.sentence.contains("\(Int(seconds))."))
  }
}
