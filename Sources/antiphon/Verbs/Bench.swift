import ArgumentParser
import Measure

/// `antiphon bench`
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure how long a frame takes on this machine.",
    discussion: """
      Frames come every 80 ms, as they would from a microphone; with --flat-out each frame starts as soon as the last is done.

      Example:
        antiphon bench codec --frames 250
      """,
    subcommands: [BenchCodec.self, BenchStep.self, BenchKernels.self])
}

/// How a benchmark runs.
struct BenchOptions: ParsableArguments {
  @Option(help: "Frames to measure, after ten to warm up.")
  var frames = 250

  @Flag(help: "Start each frame as soon as the last is done.")
  var flatOut = false

  @Flag(help: "Print the result as JSON.")
  var json = false

  var pace: BenchRun.Pace { BenchRun.Pace(frames: frames, isFlatOut: flatOut) }

  func validate() throws {
    guard (1...1_000_000).contains(frames) else {
      throw ValidationError("--frames takes a number from 1 to 1000000.")
    }
  }
}
