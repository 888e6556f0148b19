internal import Base

/// A directory of latency logs: `frames.csv`, `turns.csv`, `latency.json` and the plot `latency.svg`.
package struct LatencyReport: Sendable {
  package let directory: String
  package let metadata: RunMetadata
  package let frames: [FrameRecord]
  package let turns: [Turn]
  /// Computed from the logs.
  package let summary: LatencySummary
  /// Fields of the logs that contradict other fields of the same row.
  private let contradictions: [LatencyMismatch]

  static func framesPath(_ directory: String) -> String { directory + "/frames.csv" }
  static func turnsPath(_ directory: String) -> String { directory + "/turns.csv" }
  static func summaryPath(_ directory: String) -> String { directory + "/latency.json" }
  /// Path of the plot.
  package var plotPath: String { directory + "/latency.svg" }

  /// Reads the logs and adds them up.
  package static func read(_ directory: String) throws(LatencyReportError) -> LatencyReport {
    let frames = try FrameTable.table.read(framesPath(directory))
    return add(up: frames, try TurnTable.table.read(turnsPath(directory)), directory)
  }

  static func add(
    up frames: CSVTable<FrameRecord>.Contents, _ turns: CSVTable<Turn>.Contents, _ directory: String
  ) -> LatencyReport {
    let summary = LatencySummary(metadata: frames.metadata, frames: frames.rows, turns: turns.rows)
    let run = frames.metadata[RunMetadata.runID] ?? ""
    return LatencyReport(
      directory: directory, metadata: frames.metadata, frames: frames.rows, turns: turns.rows,
      summary: summary,
      contradictions: FrameTable.table.differences(frames, run: run, file: "frames.csv")
        + TurnTable.table.differences(turns, run: run, file: "turns.csv"))
  }

  /// Reads the logs, adds them up and compares the result with `latency.json`.
  /// - Throws: `mismatch` with everything that differs.
  package static func verify(_ directory: String) throws(LatencyReportError) -> LatencyReport {
    let report = try read(directory)
    let path = summaryPath(directory)
    let text = try LatencyReportError.files { () throws(FileError) in try TextFile.read(path) }
    guard let stored = LatencySummary(json: text) else {
      throw .badSummary(path: path)
    }
    var mismatches = report.contradictions
    if stored != report.summary {
      mismatches += report.summary.differences(stored, file: "latency.json")
    }
    guard mismatches.isEmpty else { throw .mismatch(directory: directory, mismatches) }
    return report
  }

  /// Writes `latency.json` and `latency.svg`, replacing earlier ones.
  package func write() throws(LatencyReportError) {
    try LatencyReportError.files { () throws(FileError) in
      try TextFile.write(summary.json + "\n", to: Self.summaryPath(directory))
    }
    try draw()
  }

  /// Writes `latency.svg`, replacing an earlier one.
  package func draw() throws(LatencyReportError) {
    try LatencyReportError.files { () throws(FileError) in
      try TextFile.write(LatencyPlot(self).svg, to: plotPath)
    }
  }
}
