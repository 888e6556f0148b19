import AudioIO
import Checkpoint
import Foundation
import Latency
import TestSupport
import Testing

@testable import antiphon

/// Running ahead as a person asks for it, with a tiny model and a drafter of random weights.
@Suite struct PredictionCommandTests {
  private let model: TemporaryDirectory
  private let directory: TemporaryDirectory

  init() throws {
    (model, directory) = (try TemporaryDirectory(), try TemporaryDirectory())
    try RandomDrafter.add(toCopyOf: Golden.path("tiny-model"), in: model, modules: 2)
    let pcm = try Golden.open("tiny-codec/input.safetensors").floats("pcm", rank: 1).values
    let sink = try SoundFileWriter.create(directory.file("in.wav"))
    sink.write(pcm.span)
    try sink.finish()
  }

  private func respond(_ output: String, _ options: String..., from path: String? = nil) throws
    -> Program.Result
  {
    try Program.start(
      ["respond", "in.wav", output, "--model", path ?? model.path] + options, directory: directory.path
    ).wait()
  }

  private func bytes(_ name: String) throws -> Data {
    try Data(contentsOf: URL(filePath: directory.file(name)))
  }

  @Test("with --speculate the reply is the same, and the passes are counted")
  func speculate() throws {
    for options in [["--greedy"], ["--seed", "4"]] {
      #expect(try respond("a.wav", options[0], options.last!, "--overwrite").code == 0)
      let done = try respond("b.wav", options[0], options.last!, "--overwrite", "--speculate")
      #expect(done.code == 0 && done.errors.contains("passes of the backbone"))
      #expect(try bytes("a.wav") == bytes("b.wav"))
    }
  }

  @Test("early frames and several for a pass are logged with their regret, and report agrees")
  func logged() throws {
    let done = try respond(
      "a.wav", "--early", "on", "--frames-per-pass", "2", "--latency", directory.file("log"))
    #expect(done.code == 0 && done.text.contains("regret of what was drafted"))
    let report = try LatencyReport.read(directory.file("log"))
    #expect(report.frames.contains { $0.source == .draft && $0.regretAcoustic ?? 0 > 0 })
    #expect(report.summary.frames.regretAcoustic ?? 0 > 0)
    #expect(try Program.run("report", directory.file("log")).code == 0)
    #expect(
      try String(contentsOfFile: directory.file("log") + "/latency.svg", encoding: .utf8).contains("regret"))
  }

  @Test("what was asked for and is not measured changes nothing")
  func unmeasured() throws {
    _ = try respond("a.wav", "--early", "on")
    _ = try respond("b.wav", "--early", "on", "--latency", directory.file("log"))
    #expect(try bytes("a.wav") == bytes("b.wav"))
    // A machine that is fast enough needs no more than a frame for a pass.
    _ = try respond("c.wav", "--frames-per-pass", "auto")
    _ = try respond("d.wav")
    #expect(try bytes("c.wav") == bytes("d.wav"))
  }

  @Test("convert takes the drafter along, and the packed model runs ahead")
  func packed() throws {
    let packed = directory.file("packed")
    #expect(try Program.run("convert", model.path, packed, "--bits", "8").code == 0)
    #expect(FileManager.default.fileExists(atPath: packed + "/drafter.safetensors"))
    #expect(try respond("a.wav", "--early", "on", from: packed).code == 0)
  }

  @Test("options that contradict each other are refused in words")
  func refused() throws {
    for options in [
      ["--speculate", "--early", "on"], ["--speculate", "--latency", "log"], ["--frames-per-pass", "9"],
    ] {
      let done = try Program.start(
        ["respond", "in.wav", "a.wav", "--model", model.path] + options, directory: directory.path
      ).wait()
      #expect(done.code == ExitCode.usage.rawValue && !done.errors.isEmpty)
    }
    let reach = try respond("a.wav", "--early", "on", "--frames-per-pass", "3")
    #expect(reach.code != 0 && reach.sentence.contains("would have to be drafted"))
    #expect(!FileManager.default.fileExists(atPath: directory.file("a.wav")))
  }
}
