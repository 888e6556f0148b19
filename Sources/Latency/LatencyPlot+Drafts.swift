extension LatencyPlot {
  static let draftsHeight = 150.0

  /// A second plot under the first, where anything was drafted: frames that a pass of the backbone took in, and regret.
  func drafts(below top: Double) -> [String] {
    let regrets = report.frames.compactMap(\.regret)
    let mostFrames = report.frames.compactMap(\.block).max() ?? 1
    guard !regrets.isEmpty || mostFrames > 1 else { return [] }
    let scale = max(Double(regrets.max() ?? 0), Double(mostFrames), 1)
    let (floor, ceiling) = (top + Self.draftsHeight - 16, top + 34)
    func y(_ value: Double) -> Double { floor - value / scale * (floor - ceiling) }
    var parts = [
      Self.text(
        Self.left, top + 16,
        "frames that a pass took in (k, grey), and regret of what was drafted (violet, nats)")
    ]
    for tick in [0, scale / 2, scale] {
      parts.append(Self.text(Self.left - 8, y(tick) + 4, Self.short(tick), anchor: "end"))
      parts.append(Self.rule(at: y(tick), "#dddddd", 1))
    }
    let lines: [(String, String)] = [
      ("#999999", line(of: { frame in frame.block.flatMap { $0 > 0 ? Double($0) : nil } }, y: y)),
      ("#7a3fb0", line(of: { frame in frame.regret.map { Double($0) } }, y: y)),
    ]
    for (colour, points) in lines where !points.isEmpty {
      parts.append("<polyline fill=\"none\" stroke=\"\(colour)\" stroke-width=\"1.1\" points=\"\(points)\"/>")
    }
    return parts
  }
}
