import Kernels
import TestSupport
import Testing

@testable import Dialogue

/// The ring alone, against lists that remember everything.
struct TokenRingTests {
  /// Tokens of a conversation of 60 steps, three times round every ring.
  private static let steps = 60

  @Test(
    "a row is read a step late by the model, by its delay late by the user, and is \"nothing yet\" before",
    arguments: ["moshi", "hibiki", "plain", "stt"], [1, 16])
  func inputs(model: String, block: Int) throws {
    let streams = try Dialogue.golden(model).streams
    var plan = MemoryPlan()
    let ring = TokenRing(streams, block: block, in: &plan)
    let memory = MemoryBlock(plan)
    for step in 0..<Self.steps {
      let user = (0..<streams.user).map { Int32((step * 7 + $0) % streams.cardinality) }
      ring.hear(user, at: Int64(step), memory.view)
      for row in 0..<streams.rows {
        let delay = streams.delays[row]
        let read = ring.input(row: row, at: Int64(step), memory.view)
        if step <= delay {
          #expect(read == streams.initialToken(row))
        } else if row <= streams.own {
          #expect(read == Int32((step - 1) * 3 + row))
        } else {
          let column = row - 1 - streams.own
          #expect(read == Int32(((step - delay) * 7 + column) % streams.cardinality))
        }
      }
      for row in 0...streams.own { ring.tokens(at: Int64(step), memory.view)[row] = Int32(step * 3 + row) }
    }
  }

  @Test("the codes of one frame come out together, each from the step its delay after the frame")
  func undelays() throws {
    let streams = try Dialogue.golden("plain").streams
    var plan = MemoryPlan()
    let ring = TokenRing(streams, block: 16, in: &plan)
    let memory = MemoryBlock(plan)
    for step in 0..<Self.steps {
      for row in 0...streams.own { ring.tokens(at: Int64(step), memory.view)[row] = Int32(step * 10 + row) }
      #expect(ring.isReady(Int64(step)) == (step >= streams.maxDelay))
      guard step >= streams.maxDelay else { continue }
      var own = [Int32](repeating: -1, count: streams.own)
      ring.undelay(at: Int64(step), into: &own, memory.view)
      let frame = step - streams.maxDelay
      #expect(own == streams.ownRows.map { Int32((frame + streams.delays[$0]) * 10 + $0) })
    }
  }

  @Test("a code that no codebook has is heard as nothing")
  func beyond() throws {
    let streams = try Dialogue.golden().streams
    var plan = MemoryPlan()
    let ring = TokenRing(streams, block: 1, in: &plan)
    let memory = MemoryBlock(plan)
    let user = [Int32](repeating: .max, count: streams.user)
    for step in 0..<4 as Range<Int64> { ring.hear(user, at: step, memory.view) }
    for row in streams.userRows {
      #expect(ring.input(row: row, at: 3, memory.view) == Int32(streams.cardinality))
    }
  }
}
