import TestSupport
import Testing

@testable import Dialogue
@testable import Runtime

@Suite("How many frames a pass must serve")
struct PaceProbeTests {
  @Test("a model that is fast enough gets a pass for every frame", arguments: [false, true])
  func fast(isEarly: Bool) throws {
    let directory = try TemporaryDirectory()
    try RandomDrafter.add(toCopyOf: Golden.path("tiny-model"), in: directory, modules: 3)
    let model = try Model.open(directory.path, isDrafting: true)
    #expect(try PaceProbe(model) { Prediction(isEarly: isEarly, framesPerPass: $0) }.framesPerPass() == 1)
    withExtendedLifetime(directory) {}
  }

  @Test("so does a model without a drafter, which cannot have another")
  func plain() throws {
    #expect(
      try PaceProbe(Model.open(Golden.path("tiny-model"))) { Prediction(framesPerPass: $0) }.framesPerPass()
        == 1)
  }
}
