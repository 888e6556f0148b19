import Base
import Synchronization
import TestSupport
import Testing

@testable import AudioIO

@Suite("Spare frames on offer")
struct SpareSlotTests {
  private static let size = 480

  private func frames(_ values: Float...) -> [Float] {
    values.flatMap { [Float](repeating: $0, count: Self.size) }
  }

  private func take(_ slot: SpareSlot, _ count: Int) -> [Float] {
    var piece = [Float](repeating: -1, count: count)
    var span = piece.mutableSpan
    return Array(piece[..<slot.read(into: &span)])
  }

  @Test("a frame that was not begun can be taken back, and one that was begun is played to its end")
  func offers() {
    let slot = SpareSlot(samplesPerFrame: Self.size, capacity: 2)
    #expect(!slot.begin() && slot.withdraw() == 0)
    slot.offer(frames(1, 2).span)
    #expect(slot.withdraw() == 0)
    #expect(!slot.begin())
    slot.offer(frames(3, 4).span)
    #expect(slot.begin() && slot.isPlaying)
    #expect(take(slot, 100) == [Float](repeating: 3, count: 100))
    #expect(slot.withdraw() == 1)
    // What is offered now must leave alone what is playing.
    slot.offer(frames(5, 6).span)
    #expect(slot.withdraw() == 0)
    slot.offer(frames(7, 8).span)
    #expect(take(slot, 1000) == [Float](repeating: 3, count: Self.size - 100))
    #expect(!slot.isPlaying && slot.begin())
    #expect(take(slot, 1000) == frames(7))
    #expect(slot.begin())
    #expect(take(slot, 1000) == frames(8))
    #expect(!slot.begin() && slot.withdraw() == 2)
  }

  @Test("what is given up is counted")
  func stopped() {
    let slot = SpareSlot(samplesPerFrame: Self.size, capacity: 1)
    #expect(slot.stop() == 0)
    slot.offer(frames(1).span)
    #expect(slot.begin())
    #expect(take(slot, 80).count == 80 && slot.stop() == 400 && !slot.isPlaying)
  }

  private final class Listener: Sendable {
    let isOver = Atomic<Bool>(false)

    /// Begins frames until the end; returns how many, or -1 if one was not whole.
    func listen(to slot: SpareSlot) -> Int {
      var begun = 0
      var (isWhole, piece) = (true, [Float](repeating: 0, count: 48))
      while !isOver.load(ordering: .acquiring) {
        guard slot.begin() else { continue }
        begun += 1
        var first: Float?
        while slot.isPlaying {
          var span = piece.mutableSpan
          let count = slot.read(into: &span)
          first = first ?? piece[0]
          isWhole = isWhole && piece[..<count].allSatisfy { $0 == first }
        }
      }
      return isWhole ? begun : -1
    }
  }

  @Test("two threads agree on every frame: each is either played whole or taken back")
  func race() async {
    let (slot, listener) = (SpareSlot(samplesPerFrame: Self.size, capacity: 2), Listener())
    async let begun = Task.detached { listener.listen(to: slot) }.value
    var conceded = 0
    for round in 0..<20_000 {
      slot.offer(frames(Float(2 * round), Float(2 * round + 1)).span)
      if round % 3 == 0 { await Task.yield() }
      conceded += slot.withdraw()
    }
    listener.isOver.store(true, ordering: .releasing)
    #expect(await begun == conceded)
  }
}
