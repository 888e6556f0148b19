internal import Base
import Glibc

/// Writes the latency logs of a run while it is in progress.
///
/// The frame path appends records to `log`, and another caller drains it: between frames if sound comes from a file, on
/// a thread of its own in a live run. Drained records are in the file, so a killed process loses only the others; what
/// the turns are found from waits on the disk, too, so memory does not grow with the run.
package final class LatencyRecorder {
  package let log: FrameLog
  package let directory: String
  private let metadata: RunMetadata
  private let frames: OutputFile
  private let text: ([Int32]) -> String
  private let parts: ScratchFile<TurnFinder.Part>
  private let labels: [Range<Int64>]?
  private var megahertz: Int64?
  private var nextReading: Int64 = 0

  /// Creates the directory if it is missing, and `frames.csv` in it.
  /// - Parameters:
  ///   - metadata: everything that is known about the run; a `run_id` is added if there is none.
  ///   - overwrite: whether the logs of an earlier run are replaced.
  ///   - labels: where the person speaks, in samples, if that is known.
  ///   - text: the words that text tokens stand for.
  package init(
    directory: String, metadata: RunMetadata, overwrite: Bool = false, capacity: Int = 512,
    labels: [Range<Int64>]? = nil, text: @escaping ([Int32]) -> String = { _ in "" }
  ) throws(LatencyReportError) {
    self.directory = directory
    self.labels = labels
    self.text = text
    var metadata = metadata
    if metadata[RunMetadata.runID] == nil { metadata[RunMetadata.runID] = "\(Host.date())-\(getpid())" }
    self.metadata = metadata
    log = FrameLog(capacity: capacity)
    try LatencyReportError.files { () throws(FileError) in try OutputFile.makeDirectory(directory) }
    if !overwrite {
      for path in [LatencyReport.turnsPath(directory), LatencyReport.summaryPath(directory)]
      where FileSystem.exists(path) {
        throw .exists(path: path)
      }
    }
    parts = try LatencyReportError.files { () throws(FileError) in try ScratchFile(in: directory) }
    frames = try LatencyReportError.files { () throws(FileError) in
      let file = try OutputFile(
        LatencyReport.framesPath(directory), existing: overwrite ? .replacedAtEnd : .refused)
      try file.write(FrameTable.table.head(metadata))
      return file
    }
  }

  /// Writes the waiting records, with the processor's speed, which is read at most once a second.
  package func drain() throws(LatencyReportError) {
    var lines = ""
    var drained: [TurnFinder.Part] = []
    let run = metadata[RunMetadata.runID] ?? ""
    let now = MonotonicClock.microsecondsSinceBoot
    if now >= nextReading {
      megahertz = Host.megahertz.map(Int64.init)
      nextReading = now + 1_000_000
    }
    log.drain { logged in
      var record = logged
      record.megahertz = record.megahertz ?? megahertz
      lines += FrameTable.table.line(record, run: run)
      if let part = TurnFinder.Part(record) { drained.append(part) }
    }
    if !lines.isEmpty {
      try LatencyReportError.files { () throws(FileError) in
        try frames.write(lines)
        try parts.append(drained)
      }
    }
  }

  /// Drains, finds the turns, and writes `turns.csv`, `latency.json` and `latency.svg`.
  /// - Returns: the report, read back from the files.
  @discardableResult
  package func finish() throws(LatencyReportError) -> LatencyReport {
    try drain()
    try LatencyReportError.files { () throws(FileError) in try frames.finish() }
    let run = metadata[RunMetadata.runID] ?? ""
    var finders: [Int64: TurnFinder] = [:]
    try LatencyReportError.files { () throws(FileError) in
      try parts.forEach { part in
        finders[part.session, default: TurnFinder(session: part.session, metadata: metadata, labels: labels)]
          .append(part)
      }
    }
    var lines = TurnTable.table.head(RunMetadata())
    for session in finders.keys.sorted() {
      for turn in finders[session]?.turns(text: text) ?? [] { lines += TurnTable.table.line(turn, run: run) }
    }
    try LatencyReportError.files { () throws(FileError) in
      try TextFile.write(lines, to: LatencyReport.turnsPath(directory))
    }
    let report = try LatencyReport.read(directory)
    try report.write()
    return report
  }
}
