import Foundation
import TestSupport
import Testing

/// `talk` and `latency` with devices that every ALSA has and that are none: nothing of them may hold up the end.
@Suite("The command line and devices that do harm", .serialized)
struct DeviceCommandTests {
  private struct Outcome {
    var errors: String
    var code: Int32
    /// Seconds of the wall, and of the processor.
    var wall: Double
    var work: Double
  }

  /// Runs the program with a configuration of ALSA's; it is killed after 30 s.
  private func run(
    _ arguments: [String], configuration: String = "", environment: [String: String] = [:]
  ) throws -> Outcome {
    let directory = try TemporaryDirectory()
    let file = directory.file("alsa.conf")
    try ("</usr/share/alsa/alsa.conf>\n" + configuration + "\n").write(
      toFile: file, atomically: true, encoding: .utf8)
    let process = Process()
    process.executableURL = URL(filePath: "/bin/bash")
    process.arguments =
      ["-c", "TIMEFORMAT='%R %U %S'; time timeout -s KILL 30 \"$0\" \"$@\"", Program.path] + arguments
    process.environment = ProcessInfo.processInfo.environment
      .merging(["ALSA_CONFIG_PATH": file, "LC_ALL": "C"]) { $1 }.merging(environment) { $1 }
    let errors = directory.file("errors")
    try Data().write(to: URL(filePath: errors))
    process.standardError = try FileHandle(forWritingTo: URL(filePath: errors))
    process.standardOutput = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    let text = try String(contentsOfFile: errors, encoding: .utf8)
    let times = (text.split(separator: "\n").last ?? "").split(separator: " ").compactMap { Double($0) }
    try #require(times.count == 3)
    return Outcome(
      errors: text, code: process.terminationStatus, wall: times[0], work: times[1] + times[2])
  }

  private static let talk = [
    "talk", "--mirror", "--codec", Golden.path("tiny-codec/model.safetensors"), "--seconds", "3",
  ]

  @Test("a device without a clock is an error, in time and without work")
  func noClock() throws {
    for arguments in [Self.talk, ["latency"]] {
      let outcome = try run(arguments + ["--input", "null", "--output", "null"])
      #expect(outcome.code == 66 && outcome.errors.contains("has no clock"), "\(outcome.errors)")
      #expect(outcome.wall < 10 && outcome.work < 2)
    }
  }

  @Test("a device that hangs while it is opened is an error after five seconds")
  func hangingOpen() throws {
    let directory = try TemporaryDirectory()
    #expect(mkfifo(directory.file("fifo"), 0o600) == 0)
    let outcome = try run(
      Self.talk + ["--input", "hang", "--output", "null"], configuration: hanging(directory.file("fifo")))
    #expect(outcome.code == 66 && outcome.errors.contains("'hang' does not answer"), "\(outcome.errors)")
    #expect(outcome.wall < 15 && outcome.work < 2)
  }

  @Test("a device that hangs in the middle is left to itself, and the end comes")
  func hangingRead() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("fifo")
    #expect(mkfifo(path, 0o600) == 0)
    // Open for writing, and nothing is ever written.
    let writer = open(path, O_RDWR)
    defer { close(writer) }
    let outcome = try run(
      Self.talk + ["--input", "hang", "--output", "null", "--record", directory.file("record")],
      configuration: hanging(path))
    #expect(
      outcome.code == 66 && outcome.errors.contains("the microphone did not answer"), "\(outcome.errors)")
    #expect(outcome.wall < 10 && outcome.work < 2)
    #expect(FileManager.default.fileExists(atPath: directory.file("record/latency.json")))
  }

  private func hanging(_ fifo: String) -> String {
    "pcm.hang { type file slave.pcm null file \"/dev/null\" infile \"\(fifo)\" format raw }"
  }

  @Test("a sound server that is not there is not called a missing card")
  func silentServer() throws {
    // Without the plugin for PulseAudio it is the plugin that is missed.
    let outcome = try run(
      Self.talk, configuration: "pcm.!default { type pulse }",
      environment: ["PULSE_SERVER": "unix:/nonexistent"])
    #expect(outcome.code == 66 && !outcome.errors.contains("no sound card"), "\(outcome.errors)")
    #expect(outcome.errors.contains("sound server"))
  }
}
