/// Numbers as text, the same on every machine.
enum Decimal {
  /// `12345` microseconds as `12.345`.
  static func milliseconds(_ microseconds: Int64) -> String {
    let magnitude = microseconds.magnitude
    return (microseconds < 0 ? "-" : "") + "\(magnitude / 1000)." + padded(magnitude % 1000, 3)
  }

  /// `12.345` as `12345`; nothing for text that is not such a number.
  static func microseconds(_ field: String) -> Int64? {
    guard let value = Double(field), value.magnitude < 1e12 else { return nil }
    return Int64((value * 1000).rounded())
  }

  /// A finite number with a fixed count of decimals.
  static func fixed(_ value: Double, _ decimals: Int) -> String {
    var scale: UInt64 = 1
    for _ in 0..<decimals { scale *= 10 }
    let units = UInt64((min(value.magnitude, 1e12) * Double(scale)).rounded())
    let sign = value < 0 && units != 0 ? "-" : ""
    guard decimals > 0 else { return sign + "\(units)" }
    return sign + "\(units / scale)." + padded(units % scale, decimals)
  }

  private static func padded(_ value: UInt64, _ digits: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(digits - text.count, 0)) + text
  }
}
