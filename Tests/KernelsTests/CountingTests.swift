import Foundation
import TestSupport
import Testing

/// What other tests rely on.
struct CountingTests {
  @Test("allocations and mutexes are counted in every build that tools/check does not build with a sanitizer")
  func counting() {
    let isSanitized = ["address", "thread"].contains {
      ProcessInfo.processInfo.environment["ANTIPHON_SANITIZER"]?.contains($0) ?? false
    }
    #expect(WorkCounter.counts != isSanitized)
  }
}
