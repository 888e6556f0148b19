import Foundation
import Testing

@testable import Base

@Suite("Facts about the computer")
struct HostTests {
  @Test("the processor's speed is one that processors have, where the system tells it, and nothing elsewhere")
  func megahertz() throws {
    let scaling = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq"
    let told = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8).contains("cpu MHz")
    guard told || FileManager.default.isReadableFile(atPath: scaling) else {
      #expect(Host.megahertz == nil)
      return
    }
    let speed = try #require(Host.megahertz)
    #expect((100...10_000).contains(speed), "\(speed) MHz")
  }
}
