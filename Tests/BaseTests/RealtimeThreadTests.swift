import Base
import Foundation
import Testing

@Suite("Real-time threads", .serialized)
struct RealtimeThreadTests {
  private static let isAllowed: Bool = {
    let allowed = Wake()
    let isIt = Box(false)
    let thread = RealtimeThread(name: "probe", priority: 1) {
      isIt.value = RealtimeThread.isCurrentRealtime
      allowed.post()
    }
    allowed.wait(nanoseconds: 1_000_000_000)
    thread.join()
    return isIt.value
  }()

  private final class Box<Value>: @unchecked Sendable {
    var value: Value
    init(_ value: Value) { self.value = value }
  }

  @Test("a thread that does not sleep loses its priority within a second", .enabled(if: isAllowed))
  func spinning() {
    let before = RealtimeThread.demotions
    let took = Box<UInt64>(0)
    let thread = RealtimeThread(name: "spin", priority: 1) {
      let start = MonotonicClock.now
      while RealtimeThread.isCurrentRealtime, MonotonicClock.now - start < 3_000_000_000 {
        for _ in 0..<1000 { _ = MonotonicClock.now }
      }
      took.value = MonotonicClock.now - start
    }
    thread.join()
    #expect(took.value >= 150_000_000 && took.value < 1_500_000_000)
    #expect(RealtimeThread.demotions == before + 1)
  }

  @Test("the limit holds again and again", .enabled(if: isAllowed))
  func again() {
    let before = RealtimeThread.demotions
    for _ in 0..<2 { spinning() }
    #expect(RealtimeThread.demotions == before + 2)
  }

  @Test("a thread that sleeps keeps its priority", .enabled(if: isAllowed))
  func sleeping() {
    let kept = Box(false)
    let thread = RealtimeThread(name: "sleep", priority: 1) {
      let start = MonotonicClock.now
      while MonotonicClock.now - start < 600_000_000 {
        let turn = MonotonicClock.now
        while MonotonicClock.now - turn < 10_000_000 {}
        MonotonicClock.sleep(nanoseconds: 1_000_000)
      }
      kept.value = RealtimeThread.isCurrentRealtime
    }
    thread.join()
    #expect(kept.value)
  }

  @Test(
    "the threads that were started by something are known, and can be given priority", .enabled(if: isAllowed)
  )
  func started() {
    let (end, isRealtime, looked) = (Wake(), Box(false), Wake())
    let (thread, ids) = RealtimeThread.started {
      RealtimeThread(name: "child", priority: 0) {
        end.wait(nanoseconds: 5_000_000_000)
        isRealtime.value = RealtimeThread.isCurrentRealtime
        looked.post()
      }
    }
    #expect(!ids.isEmpty && RealtimeThread.raise(ids, to: 1))
    end.post()
    looked.wait(nanoseconds: 5_000_000_000)
    #expect(isRealtime.value)
    thread.join()
  }

  @Test("waiting for a thread ends when it should")
  func join() {
    let release = Wake()
    let thread = RealtimeThread(name: "late", priority: 0) { release.wait(nanoseconds: 5_000_000_000) }
    let start = MonotonicClock.now
    #expect(!thread.join(nanoseconds: 50_000_000))
    #expect(MonotonicClock.now - start < 1_000_000_000 && RealtimeThread.hasAbandoned)
    release.post()
  }
}
