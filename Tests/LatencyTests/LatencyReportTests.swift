import Foundation
import FoundationXML
import Testing

@testable import Latency

@Suite struct LatencyReportTests {
  private let directory = NSTemporaryDirectory() + "latency-" + UUID().uuidString

  /// A run of one reply and one interruption.
  private func run() throws -> LatencyReport {
    var metadata = RunMetadata()
    metadata["version"] = "0.1"
    metadata[RunMetadata.warmUpFrames] = "2"
    metadata[RunMetadata.startMicroseconds] = "1500000"
    metadata[RunMetadata.acousticDelayFrames] = "1"
    let recorder = try LatencyRecorder(
      directory: directory, metadata: metadata, capacity: 64,
      text: { String(decoding: $0.map { UInt8($0) }, as: UTF8.self) })
    var records = Marble.records(
      user: "uuuuu----------------uuuuu--------------------",
      own: "----------mmmmmmmmmmmmm-----------------------",
      text: "-------q\"u,ote--------------------------------")
    records[20].written? += 90_000
    for record in records { recorder.log.append(record) }
    return try recorder.finish()
  }

  private func path(_ name: String) -> String { directory + "/" + name }

  private func edit(_ name: String, _ change: (inout String) -> Void) throws {
    var text = try String(contentsOfFile: path(name), encoding: .utf8)
    change(&text)
    try text.write(toFile: path(name), atomically: true, encoding: .utf8)
  }

  private func failure() throws -> LatencyReportError? {
    do throws(LatencyReportError) {
      _ = try LatencyReport.verify(directory)
      return nil
    } catch {
      return error
    }
  }

  @Test("what a run writes says the same when it is read and added up again")
  func verified() throws {
    let written = try run()
    let read = try LatencyReport.verify(directory)
    #expect(read.summary == written.summary)
    #expect(read.frames.count == 46)
    #expect(read.turns.map(\.kind) == [.reply, .bargeIn])
    #expect(read.turns.first?.ownText == "q\"u,ote")
    #expect(read.metadata["version"] == "0.1")
  }

  @Test("the summary counts and measures")
  func summary() throws {
    let summary = try run().summary
    #expect(summary.frames.count == 46 && summary.frames.missing == 0 && summary.frames.warmUp == 2)
    #expect(summary.frames.misses == 1)
    #expect(summary.stages["encode_ms"]?.p50 == 5 && summary.stages["encode_ms"]?.count == 44)
    #expect(summary.stages["step_ms"]?.p99 == 20 && summary.stages["decode_ms"]?.max == 3)
    #expect(summary.stages["frame_total_ms"]?.max == 118.1)
    #expect(summary.stages["backbone_ms"] == nil)
    #expect(summary.frames.realTimeFactor == 0.35)
    #expect(summary.session.firstAudioTokenMilliseconds == 105)
    #expect(summary.session.firstAudibleSampleMilliseconds == 908.1)
    #expect(summary.session.untilFirstFrameMilliseconds == 1_608.1)
    #expect(summary.turns.counts["reply"] == 1 && summary.turns.counts["barge_in"] == 1)
    #expect(summary.turns.metrics["first_audible_ms"]?.p50 == 508.1)
    #expect(summary.turns.metrics["system_ms"]?.p50 == 108.1)
    #expect(summary.run["version"] == "0.1")
  }

  @Test("a changed summary is named value by value")
  func changedSummary() throws {
    _ = try run()
    try edit("latency.json") { $0.replace("\"misses\" : 1,", with: "\"misses\" : 0,") }
    guard case .mismatch(_, let list) = try failure() else { Issue.record("no mismatch"); return }
    #expect(list == [LatencyMismatch(place: "latency.json: frames.misses", expected: "1.0", found: "0.0")])
  }

  @Test("a row that contradicts itself is named")
  func changedRow() throws {
    _ = try run()
    try edit("frames.csv") { $0.replace(",51900,0,backbone", with: ",51901,0,backbone", maxReplacements: 1) }
    guard case .mismatch(_, let list) = try failure() else { Issue.record("no mismatch"); return }
    #expect(list.map(\.place) == ["frames.csv: line 7, slack_us"])
    #expect(list.first?.expected == "51900" && list.first?.found == "51901")
  }

  @Test("a removed row changes the summary")
  func removedRow() throws {
    _ = try run()
    try edit("frames.csv") { text in
      var lines = text.split(separator: "\n")
      lines.remove(at: 20)
      text = lines.joined(separator: "\n") + "\n"
    }
    guard case .mismatch(_, let list) = try failure() else { Issue.record("no mismatch"); return }
    #expect(list.contains { $0.place == "latency.json: frames.missing" && $0.expected == "1.0" })
  }

  @Test("a missing file is named")
  func missing() throws {
    #expect(try failure() == .missing(path: path("frames.csv")))
    _ = try run()
    try FileManager.default.removeItem(atPath: path("latency.json"))
    #expect(try failure() == .missing(path: path("latency.json")))
  }

  @Test("another header, a short row and a bad field are named with their place")
  func malformed() throws {
    _ = try run()
    let whole = try String(contentsOfFile: path("frames.csv"), encoding: .utf8)
    try edit("frames.csv") { $0.replace("t_enc0_us", with: "t_enc_us") }
    #expect(
      try failure()
        == .badHeader(
          path: path("frames.csv"), line: 6, column: 7, expected: "t_enc0_us", found: "t_enc_us"))
    try whole.replacing(",0,0,1919,", with: ",0,1919,").write(
      toFile: path("frames.csv"), atomically: true, encoding: .utf8)
    #expect(try failure() == .badWidth(path: path("frames.csv"), line: 7, expected: 49, found: 48))
    try whole.replacing(",0,0,1919,", with: ",0,0,many,").write(
      toFile: path("frames.csv"), atomically: true, encoding: .utf8)
    #expect(
      try failure()
        == .badField(path: path("frames.csv"), line: 7, column: "user_sample_end", found: "many"))
    try "".write(toFile: path("frames.csv"), atomically: true, encoding: .utf8)
    #expect(
      try failure()
        == .badHeader(path: path("frames.csv"), line: 1, column: 1, expected: "run_id", found: ""))
  }

  @Test("a summary that is not one is named")
  func badSummary() throws {
    _ = try run()
    try "{}".write(toFile: path("latency.json"), atomically: true, encoding: .utf8)
    #expect(try failure() == .badSummary(path: path("latency.json")))
  }

  @Test("logs of an earlier run are not overwritten unless that is asked for")
  func exists() throws {
    _ = try run()
    #expect(throws: LatencyReportError.exists(path: path("turns.csv"))) { try run() }
    _ = try LatencyRecorder(directory: directory, metadata: RunMetadata(), overwrite: true)
  }

  @Test("a directory that cannot be made is named")
  func unwritable() {
    #expect(throws: LatencyReportError.unwritable(path: "/proc/latency", code: ENOENT)) {
      _ = try LatencyRecorder(directory: "/proc/latency", metadata: RunMetadata())
    }
  }

  @Test("a run of no frames has a summary and a picture")
  func empty() throws {
    let recorder = try LatencyRecorder(directory: directory, metadata: RunMetadata())
    let report = try recorder.finish()
    #expect(report.summary.frames.count == 0 && report.summary.stages.isEmpty)
    #expect(try failure() == nil)
  }

  @Test("the picture is well-formed and has a line for each measured stage")
  func picture() throws {
    let svg = LatencyPlot(try run()).svg
    let reader = Drawing()
    #expect(reader.read(svg))
    #expect(reader.lines == 4)
    #expect(svg.contains("46 frames, 1 late"))
  }
}

/// Counts the lines of a picture.
private final class Drawing: NSObject, XMLParserDelegate {
  var lines = 0

  func read(_ svg: String) -> Bool {
    let parser = XMLParser(data: Data(svg.utf8))
    parser.delegate = self
    return parser.parse()
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    if name == "polyline" { lines += 1 }
  }
}
