import ArgumentParser
import Latency
import Runtime

/// `antiphon report`
struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Summarise, check and plot the latency logs of a run.",
    discussion: """
      Reads frames.csv and turns.csv, computes the summary again, and fails if latency.json or a row contradicts it. \
      Plots the time of each stage, frame by frame, as latency.svg.

      Example:
        antiphon respond question.wav answer.wav --latency run1
        antiphon report run1
      """)

  @Argument(help: "The directory of the logs.")
  var directory: String

  @Flag(help: "Print the summary as JSON.")
  var json = false

  mutating func run() throws {
    let report = try LatencyReport.verify(directory)
    try report.draw()
    if json {
      Terminal.print(report.summary.json)
    } else {
      Terminal.print(LatencyText.text(report.summary))
      Terminal.print("\nThe logs and the summary agree; the picture is \(report.plotPath).")
    }
  }
}
