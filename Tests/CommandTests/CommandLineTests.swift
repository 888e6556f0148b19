import ArgumentParser
import Checkpoint
import Foundation
import Latency
import Runtime
import TestSupport
import Testing

@testable import antiphon

@Suite struct CommandLineTests {
  @Test("every verb has an abstract, an example and a help text")
  func help() throws {
    let verbs = Antiphon.configuration.subcommands.filter { $0.configuration.shouldDisplay }
    #expect(!verbs.isEmpty)
    for verb in verbs {
      #expect(!verb.configuration.abstract.isEmpty)
      #expect(verb.configuration.discussion.contains("antiphon "), "\(verb)")
      #expect(Antiphon.helpMessage(for: verb).contains("USAGE: antiphon"))
    }
  }

  @Test("a wrong command line is exit code 64")
  func usage() throws {
    #expect(try Program.run("sing").code == 64)
    #expect(try Program.run("encode", "in.wav").code == 64)
    #expect(try Program.run("encode", "a", "b", "--codec", "c", "--model", "d").code == 64)
    #expect(try Program.run("encode", "a", "b", "--threads", "0").code == 64)
    #expect(try Program.run("decode", "a", "-", "--json").code == 64)
  }

  @Test("a name without a known end is exit code 64")
  func unknownFormat() throws {
    let directory = try TemporaryDirectory()
    try CodesFile(
      frameCodes: [0], codebooks: 1, sampleRate: 24_000, frameRate: 12.5,
      codec: try Golden.open("tiny-codec/model.safetensors").digest, samples: 1
    ).write(to: directory.file("a.codes"))
    let result = try Program.run(
      "decode", "a.codes", "a.xyz", "--codec", Golden.path("tiny-codec/model.safetensors"),
      directory: directory.path)
    #expect(result.code == 64 && result.sentence == "The name 'a.xyz' does not end in a known sound format.")
  }

  @Test("help and version are no errors")
  func help0() throws {
    #expect(try Program.run("--help").code == 0)
    #expect(try Program.run("--version").text == Antiphon.version + "\n")
  }

  @Test("inspect tells tensors and needs of a file and of a directory")
  func inspect() throws {
    let file = try Program.run("inspect", Golden.path("tiny-codec/model.safetensors"), "--tensors")
    #expect(file.code == 0)
    #expect(file.text.contains("codec: mimi, 24000 Hz, 12.5 frames per second, 8 codebooks of 32"))
    #expect(file.text.contains("decoder.model.0.conv.conv.weight"))
    let model = try Program.run("inspect", Golden.path("tiny-model"), "--json")
    let view = try #require(try JSONSerialization.jsonObject(with: model.output) as? [String: Any])
    let needs = try #require(view["needs"] as? [[String: Any]])
    #expect(needs.compactMap { $0["part"] as? String } == ["dialogue step", "codec encode", "codec decode"])
    #expect(
      needs.allSatisfy { ($0["bytes_per_frame"] as? Int ?? 0) > 0 && ($0["state_bytes"] as? Int ?? 0) > 0 })
    let missing = try Program.run("inspect", "missing")
    #expect(missing.code == 66 && missing.sentence == "There is no file 'missing'.")
  }

  @Test("the benchmarks count every frame, and print percentiles as JSON", arguments: ["codec", "step"])
  func bench(part: String) throws {
    let result = try Program.run(
      "bench", part, "--model", Golden.path("tiny-model"), "--frames", "20", "--flat-out", "--json",
      "--threads",
      "1")
    #expect(result.code == 0, "\(result.errors)")
    let summary = try #require(LatencySummary(json: result.text))
    #expect(summary.frames.count == 30 && summary.frames.warmUp == 10)
    let stages =
      part == "codec" ? ["encode_ms", "decode_ms"] : ["step_ms", "backbone_ms", "text_ms", "depth_ms"]
    for stage in stages {
      let times = try #require(summary.stages[stage])
      #expect(times.count == 20 && times.p50 <= times.p99 && times.p99 <= times.max)
    }
  }

  @Test("a step is measured with the priority of a live session, or the log says that it had none")
  func realtime() throws {
    func step(_ pace: String...) throws -> Program.Result {
      let words = [
        "bench", "step", "--model", Golden.path("tiny-model"), "--frames", "2", "--json", "--realtime",
      ]
      return try Program.start(words + pace).wait()
    }
    let result = try step()
    #expect(result.code == 0, "\(result.errors)")
    let summary = try #require(LatencySummary(json: result.text))
    #expect(["real time", "as others"].contains(summary.run["priority"]))
    #expect(try step("--flat-out").code == ExitCode.usage.rawValue)
  }

  @Test("report adds up the logs, draws them, and fails on a changed number")
  func report() throws {
    let directory = try TemporaryDirectory()
    let run = directory.file("run")
    let recorder = try LatencyRecorder(directory: run, metadata: RunMetadata())
    for frame in 0..<10 as Range<Int64> {
      var record = FrameRecord()
      record.frame = frame
      record.captured = (frame + 1) * 80_000
      record.written = (frame + 1) * 80_000 + 12_000
      record.deadline = (frame + 2) * 80_000
      recorder.log.append(record)
    }
    try recorder.finish()
    try FileManager.default.removeItem(atPath: run + "/latency.svg")

    let good = try Program.run("report", run)
    #expect(good.code == 0, "\(good.errors)")
    #expect(good.text.contains("10 frames (0.8 s), 0 late"))
    #expect(FileManager.default.fileExists(atPath: run + "/latency.svg"))
    let json = try Program.run("report", run, "--json")
    #expect(LatencySummary(json: json.text)?.frames.count == 10)

    var rows = try String(contentsOfFile: run + "/frames.csv", encoding: .utf8)
    rows.replace(",172000,", with: ",272000,")
    try rows.write(toFile: run + "/frames.csv", atomically: true, encoding: .utf8)
    let bad = try Program.run("report", run)
    #expect(bad.code == 1 && bad.sentence.contains("contradict the logs: "))
    #expect(try Program.run("report", directory.file("none")).code == 66)
  }
}
