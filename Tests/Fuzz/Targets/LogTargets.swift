import ArgumentParser

@testable import Latency
@testable import antiphon

extension FuzzTarget {
  static func frames(_ bytes: UnsafeRawBufferPointer) {
    let text = String(decoding: bytes, as: UTF8.self)
    do throws(LatencyReportError) {
      let contents = try FrameTable.table.parse(text, "frames.csv")
      look(at: LatencyReport.add(up: contents, CSVTable<Turn>.Contents(), "fuzz"))
    } catch { say(error) }
  }

  static func turns(_ bytes: UnsafeRawBufferPointer) {
    let text = String(decoding: bytes, as: UTF8.self)
    do throws(LatencyReportError) {
      let contents = try TurnTable.table.parse(text, "turns.csv")
      // The head of frames.csv says how long a frame is.
      var frames = CSVTable<FrameRecord>.Contents()
      frames.metadata = contents.metadata
      look(at: LatencyReport.add(up: frames, contents, "fuzz"))
    } catch { say(error) }
  }

  static func summary(_ bytes: UnsafeRawBufferPointer) {
    guard let summary = LatencySummary(json: String(decoding: bytes, as: UTF8.self)) else { return }
    _ = LatencySummary().differences(summary, file: "latency.json")
    _ = LatencyText.text(summary)
  }

  /// What `report` makes of logs.
  private static func look(at report: LatencyReport) {
    _ = LatencyPlot(report).svg
    _ = report.summary.json
    _ = LatencyText.text(report.summary)
  }

  /// An error has words, whatever stands in it.
  static func say(_ error: any Error) { _ = Message(error)?.text }

  static func commands(_ bytes: UnsafeRawBufferPointer) {
    let words = String(decoding: bytes, as: UTF8.self).split(separator: "\n").prefix(24).map(String.init)
    do {
      _ = try Antiphon.parseAsRoot(words)
    } catch {
      // The exit code comes of the same look at the error, which takes half of the time.
      _ = Antiphon.fullMessage(for: error)
    }
  }
}
