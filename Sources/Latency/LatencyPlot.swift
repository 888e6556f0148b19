internal import Base

/// A plot of a run's frames: how long each stage took, compared with the duration of a frame.
package struct LatencyPlot: Sendable {
  let report: LatencyReport
  private let frameTime: Double
  /// Milliseconds at the top of the plot.
  private let top: Double

  static let width = 960.0
  private static let height = 420.0
  static let left = 56.0
  private static let bottom = 44.0
  private static let ceiling = 56.0
  static let right = 24.0
  /// In drawing order: the first lies under the others.
  private static let stages: [(LatencyStage, String, String)] = [
    (.total, "total", "#222222"), (.encode, "encode", "#4e79a7"), (.backbone, "backbone", "#f28e2b"),
    (.depth, "depth", "#edc948"),
    (.step, "step", "#b07aa1"), (.decode, "decode", "#59a14f"),
  ]
  /// The most points on a line. If there are more frames, each point is the slowest of its neighbours.
  private static let points = 800

  package init(_ report: LatencyReport) {
    self.report = report
    frameTime = Double(report.metadata.positive(RunMetadata.frameMicroseconds) ?? 80_000) / 1000
    let worst = report.frames.compactMap { LatencyStage.total.duration($0) }.max() ?? 0
    top = max(frameTime, min(Double(worst) / 1000, 4 * frameTime)) * 1.1
  }

  /// The plot as SVG. A line shows the slowest frame of each pixel; values off the scale are clipped.
  package var svg: String {
    let drafts = drafts(below: Self.height)
    let height = Self.height + (drafts.isEmpty ? 0 : Self.draftsHeight)
    var parts = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Int(Self.width)) \(Int(height))\" "
        + "font-family=\"sans-serif\" font-size=\"12\">",
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
    ]
    parts += axes()
    var legend = Self.left
    for (stage, name, colour) in Self.stages {
      // If the parts of a step are measured, they are drawn instead of the whole.
      if stage == .step && report.summary.stages[LatencyStage.backbone.rawValue] != nil { continue }
      guard let percentiles = report.summary.stages[stage.rawValue] else { continue }
      let label = "\(name) p50 \(Self.short(percentiles.p50)) p99 \(Self.short(percentiles.p99))"
      parts.append(
        "<polyline fill=\"none\" stroke=\"\(colour)\" stroke-width=\"\(stage == .total ? 1.6 : 1.1)\" "
          + "points=\"\(line(stage))\"><title>\(label) ms</title></polyline>")
      parts.append(
        "<rect x=\"\(Self.short(legend))\" y=\"34\" width=\"10\" height=\"10\" fill=\"\(colour)\"/>")
      parts.append(Self.text(legend + 14, 43, label))
      legend += 30 + 6.1 * Double(label.count)
    }
    return (parts + drafts).joined(separator: "\n") + "\n</svg>\n"
  }

  private func axes() -> [String] {
    let frames = report.summary.frames
    var parts = [
      Self.text(
        Self.left, 20,
        "\(frames.count) frames, \(frames.misses) late, slowest frame per pixel, milliseconds")
    ]
    // An unusually long frame must not lead to thousands of grid lines.
    let step = top > 2000 ? top / 10 : top > 200 ? 80.0 : 20.0
    for tick in stride(from: 0.0, through: top, by: step) {
      parts.append(rule(tick, "#dddddd", 1))
      parts.append(Self.text(Self.left - 8, y(tick) + 4, Self.short(tick), anchor: "end"))
    }
    parts.append(rule(frameTime, "#e15759", 1.5))
    parts.append(
      Self.text(
        Self.width - Self.right, y(frameTime) - 5, "one frame lasts \(Self.short(frameTime)) ms",
        anchor: "end"))
    let count = report.frames.count
    for part in 0...4 where count > 0 {
      let frame = (count - 1) * part / 4
      let seconds = Double(frame) * frameTime / 1000
      parts.append(Self.text(x(frame), Self.height - 20, "\(Self.short(seconds)) s", anchor: "middle"))
    }
    return parts
  }

  private func line(_ stage: LatencyStage) -> String {
    line(of: { frame in stage.duration(frame).map { Double($0) / 1000 } }, y: y)
  }

  /// The largest value of each group of neighbouring frames, as points of a line.
  func line(of value: (FrameRecord) -> Double?, y: (Double) -> Double) -> String {
    let count = report.frames.count
    let stride = max((count + Self.points - 1) / Self.points, 1)
    var points: [String] = []
    var index = 0
    while index < count {
      let group = report.frames[index..<min(index + stride, count)]
      if let worst = group.compactMap(value).max() {
        points.append(Self.short(x(index)) + "," + Self.short(y(worst)))
      }
      index += stride
    }
    return points.joined(separator: " ")
  }

  private func x(_ frame: Int) -> Double {
    let span = max(Double(report.frames.count - 1), 1)
    return Self.left + Double(frame) / span * (Self.width - Self.left - Self.right)
  }

  private func y(_ milliseconds: Double) -> Double {
    let part = min(max(milliseconds / top, 0), 1)
    return Self.height - Self.bottom - part * (Self.height - Self.bottom - Self.ceiling)
  }

  private func rule(_ milliseconds: Double, _ colour: String, _ thickness: Double) -> String {
    Self.rule(at: y(milliseconds), colour, thickness)
  }

  /// A line across the plot.
  static func rule(at y: Double, _ colour: String, _ thickness: Double) -> String {
    let height = short(y)
    return
      "<line x1=\"\(Self.short(Self.left))\" x2=\"\(Self.short(Self.width - Self.right))\" y1=\"\(height)\" "
      + "y2=\"\(height)\" stroke=\"\(colour)\" stroke-width=\"\(thickness)\"/>"
  }

  static func text(_ x: Double, _ y: Double, _ words: String, anchor: String = "start") -> String {
    "<text x=\"\(short(x))\" y=\"\(short(y))\" text-anchor=\"\(anchor)\" fill=\"#222222\">\(words)</text>"
  }

  static func short(_ value: Double) -> String {
    let text = NumberText.fixed(value, 1)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
