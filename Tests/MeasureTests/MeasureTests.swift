import Base
import Dialogue
import Testing

@testable import Measure

@Suite("Measuring")
struct MeasureTests {
  @Test("a step's work is its weights with the scales of their blocks, and its keys and values")
  func work() {
    #expect(StepWork.bytes(320, bits: 4) == 180)
    #expect(StepWork.bytes(320, bits: 8) == 340)
    #expect(StepWork.bytes(320, bits: 16) == 640)
    #expect(StepWork.bytes(320, of: .f32) == 1280)
  }

  @Test("a frame that takes more than 80 ms is too slow, one that does not fit is too large")
  func verdicts() {
    let work = StepWork(weightBytes: 1000, bits: 8, products: 1, cacheBytes: 0)
    func verdict(_ seconds: Double, _ needed: Int) -> Assessment.Verdict {
      Assessment(work, step: seconds, codec: 0, needed: needed, memory: 1000).verdict
    }
    #expect(verdict(0.064, 900) == .yes)
    #expect(verdict(0.065, 900) == .barely)
    #expect(verdict(0.081, 900) == .tooSlow)
    #expect(verdict(0.064, 901) == .tooLarge)
  }

  @Test("numbers are text with a fixed count of decimals, rounded")
  func numbers() {
    #expect(NumberText.fixed(1.005, 1) == "1.0" && NumberText.fixed(-0.04, 1) == "0.0")
    #expect(NumberText.fixed(-2.5, 0) == "-3" && NumberText.bytes(35_100_000) == "35.1 MB")
    #expect(NumberText.milliseconds(-12_345) == "-12.345" && NumberText.microseconds("12.345") == 12_345)
  }
}
