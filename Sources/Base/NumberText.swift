/// Numbers as text, independent of machine and locale.
package enum NumberText {
  /// A finite number with a fixed number of decimals, up to 1e12.
  package static func fixed(_ value: Double, _ decimals: Int) -> String {
    var scale: UInt64 = 1
    for _ in 0..<decimals { scale *= 10 }
    let units = UInt64((min(value.magnitude, 1e12) * Double(scale)).rounded())
    let sign = value < 0 && units != 0 ? "-" : ""
    guard decimals > 0 else { return sign + "\(units)" }
    return sign + "\(units / scale)." + padded(units % scale, decimals)
  }

  /// Bytes in a readable unit: 35.1 MB.
  package static func bytes(_ count: Int) -> String {
    var value = Double(count)
    for unit in ["bytes", "kB", "MB", "GB"] {
      if value < 1000 || unit == "GB" {
        return unit == "bytes" ? "\(count) bytes" : fixed(value, 1) + " " + unit
      }
      value /= 1000
    }
    preconditionFailure("the last unit has no limit")
  }

  /// `12345` microseconds as `12.345`.
  package static func milliseconds(_ microseconds: Int64) -> String {
    let magnitude = microseconds.magnitude
    return (microseconds < 0 ? "-" : "") + "\(magnitude / 1000)." + padded(magnitude % 1000, 3)
  }

  /// `12.345` milliseconds as `12345`; nil for text that is not such a number.
  package static func microseconds(_ field: String) -> Int64? {
    guard let value = Double(field), value.magnitude < 1e12 else { return nil }
    return Int64((value * 1000).rounded())
  }

  private static func padded(_ value: UInt64, _ digits: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(digits - text.count, 0)) + text
  }
}
