import AudioIO
import Checkpoint
import Foundation
import Glibc
import Latency
import Runtime
import TestSupport
import Testing

/// `respond` as a person runs it, with the tiny model, whose reply is noise.
@Suite struct RespondTests {
  private let directory: TemporaryDirectory
  private let model = Golden.path("tiny-model")

  init() throws { directory = try TemporaryDirectory() }

  private func file(_ name: String) -> String { directory.file(name) }

  private func voice(repeating times: Int = 1) throws -> String {
    let pcm = try Golden.open("tiny-codec/input.safetensors").floats("pcm", rank: 1).values
    let sink = try SoundFileWriter.create(file("in.wav"))
    for _ in 0..<times { sink.write(pcm.span) }
    try sink.finish()
    return file("in.wav")
  }

  private func respond(_ arguments: String...) throws -> Program.Result {
    try Program.start(["respond"] + arguments + ["--model", model], directory: directory.path).wait()
  }

  @Test("the reply is at least as long as the recording, and the same every time")
  func deterministic() throws {
    let voice = try voice()
    #expect(try respond(voice, "a.wav", "--seed", "7").code == 0)
    #expect(try respond(voice, "b.wav", "--seed", "7").code == 0)
    #expect(try respond(voice, "c.wav", "--seed", "8").code == 0)
    let reply = try Data(contentsOf: URL(filePath: file("a.wav")))
    #expect(reply.count >= 44 + 2 * 23_040)
    #expect(reply == (try Data(contentsOf: URL(filePath: file("b.wav")))))
    #expect(reply != (try Data(contentsOf: URL(filePath: file("c.wav")))))
  }

  @Test("a greedy reply does not depend on the seed or on threads")
  func greedy() throws {
    let voice = try voice()
    _ = try respond(voice, "a.wav", "--greedy", "--seed", "7", "--threads", "1")
    _ = try respond(voice, "b.wav", "--greedy", "--seed", "8", "--threads", "2")
    #expect(
      try Data(contentsOf: URL(filePath: file("a.wav"))) == Data(contentsOf: URL(filePath: file("b.wav"))))
  }

  @Test("in stereo the person is left")
  func stereo() throws {
    let voice = try voice()
    #expect(try respond(voice, "both.flac", "--stereo").code == 0)
    let reader = try SoundFileReader.open(file("both.flac"))
    #expect(reader.channels == 2)
  }

  @Test("what the model says is printed, or written with --text, or printed with times as JSON")
  func text() throws {
    let voice = try voice()
    let printed = try respond(voice, "a.wav", "--greedy")
    #expect(printed.code == 0 && !printed.text.isEmpty)
    let silent = try respond(voice, "b.wav", "--greedy", "--text", "b.txt")
    #expect(silent.text == "")
    #expect(try String(contentsOfFile: file("b.txt"), encoding: .utf8) == printed.text)
    let json = try respond(voice, "c.wav", "--greedy", "--json")
    let view = try #require(try JSONSerialization.jsonObject(with: json.output) as? [String: Any])
    #expect((view["text"] as? String).map { $0 + "\n" } == printed.text)
    #expect((view["pieces"] as? [[String: Any]])?.isEmpty == false)
    let kept = try respond(voice, "d.wav", "--text", "b.txt")
    #expect(kept.code == 73 && kept.sentence == "'b.txt' is there already.")
    #expect(!FileManager.default.fileExists(atPath: file("d.wav")))
  }

  @Test("with --latency every frame is logged, and report agrees")
  func latency() throws {
    let result = try respond(try voice(), "a.wav", "--latency", "run")
    #expect(result.code == 0 && result.text.contains("frame_compute_ms"))
    let report = try LatencyReport.verify(file("run"))
    let frames = try SoundFileReader.open(file("a.wav")).duration.map { Int(($0 * 12.5).rounded()) }
    #expect(report.frames.count == frames)
    #expect(report.frames.map(\.frame) == (0..<Int64(report.frames.count)).map { $0 })
    for record in report.frames {
      let order = [
        record.captured, record.encodeStart, record.encodeEnd, record.backboneEnd, record.textEnd,
        record.depthEnd,
        record.decodeEnd, record.written,
      ].compactMap { $0 }
      #expect(order.count == 8 && order == order.sorted())
    }
    #expect(report.metadata["model"] == model && report.metadata["model_sha256"]?.count == 64)
    #expect(report.metadata.integer(RunMetadata.acousticDelayFrames) == 1)
    #expect(report.summary.session.firstAudioTokenMilliseconds != nil)
    #expect(try Program.run("report", file("run")).code == 0)
    let again = try respond("in.wav", "b.wav", "--latency", "run")
    #expect(again.code == 73)
  }

  @Test("sound on standard output is nothing but sound")
  func pipe() throws {
    let result = try respond(try voice(), "-", "--latency", "run")
    #expect(result.code == 0 && result.output.count >= 2 * 23_040 && result.output.count % 3_840 == 0)
    #expect(result.errors.contains("frame_compute_ms"))
  }

  @Test("a full disk is one sentence, and what was written is a valid file")
  func fullDisk() throws {
    let disk = file("disk")
    mkdir(disk, 0o755)
    guard mount("tmpfs", disk, "tmpfs", 0, "size=256k") == 0 else { return }
    defer { umount(disk) }
    let result = try respond(try voice(repeating: 20), "disk/a.wav")
    #expect(result.code == 74)
    #expect(result.sentence == "Writing 'disk/a.wav' stopped: No space left on device.")
    let duration = try #require(try SoundFileReader.open(disk + "/a.wav").duration)
    #expect(duration > 4 && duration < 6)
  }

  @Test("Ctrl-C leaves a whole file of what was said so far, and whole logs")
  func interrupted() throws {
    let running = try Program.start(
      ["respond", "-", "a.wav", "--model", model, "--latency", "run"], directory: directory.path,
      isEndless: true)
    running.interrupt(SIGINT, once: file("a.wav"), reaches: 100_000)
    let result = try running.wait()
    #expect(result.code == 130 && result.sentence.hasPrefix("Stopped by a signal after "))
    let duration = try #require(try SoundFileReader.open(file("a.wav")).duration)
    #expect(duration > 1)
    #expect(try LatencyReport.verify(file("run")).frames.count == Int((duration * 12.5).rounded()))
  }

  @Test("a model directory that is not one is one sentence and its exit code")
  func badModel() throws {
    let voice = try voice()
    try FileManager.default.createDirectory(atPath: file("model"), withIntermediateDirectories: true)
    func refusal(_ model: String) throws -> Program.Result {
      try Program.run("respond", voice, "x.wav", "--model", model, directory: directory.path)
    }
    let missing = try refusal("missing")
    #expect(missing.code == 66 && missing.sentence == "There is no file 'missing'.")
    let plain = try refusal("in.wav")
    #expect(plain.code == 66 && plain.sentence == "'in.wav' is not a directory.")
    let empty = try refusal("model")
    #expect(empty.code == 66 && empty.sentence.hasPrefix("There is no file 'model/"))
    try "{ \"dim\": ".write(toFile: file("model/config.json"), atomically: true, encoding: .utf8)
    #expect(try refusal("model").code == 65)
    #expect(!FileManager.default.fileExists(atPath: file("x.wav")))
  }

  @Test("without a model, the one that ships is used; a test model says that its output is noise")
  func usual() throws {
    let result = try Program.run("respond", try voice(), file("a.wav"))
    let trained = FileManager.default.fileExists(atPath: Golden.root + "/Assets/models/default/config.json")
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.errors.contains("noise") == !trained)
  }
}
