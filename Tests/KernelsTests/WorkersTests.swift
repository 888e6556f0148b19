import CKernels
import Dispatch
import Kernels
import Synchronization
import TestSupport
import Testing

struct WorkersTests {
  /// Counts how often each part ran, and into how many parts the job was cut.
  private static let count: @convention(c) (UnsafeRawPointer?, Int, Int) -> Void = { context, part, parts in
    let counts = UnsafeMutablePointer(mutating: context!.assumingMemoryBound(to: Int32.self))
    counts[part] += 1
    if part == 0 { counts[8] = Int32(parts) }
  }

  @Test("every part runs once, round after round, on any number of threads", arguments: 1...4)
  func rounds(threads: Int32) {
    let pool = ap_workers_create(threads)
    defer { ap_workers_destroy(pool) }
    #expect(ap_workers_count(pool) == threads)
    let expected = (0..<9).map { $0 == 8 ? threads : $0 < threads ? 1 : 0 }
    for _ in 0..<2000 {
      var counts = [Int32](repeating: 0, count: 9)
      ap_workers_run(pool, Self.count, &counts, Int(threads))
      #expect(counts == expected)
    }
  }

  @Test("several callers of one pool each get their own whole job")
  func callers() {
    nonisolated(unsafe) let pool = ap_workers_create(3)
    defer { ap_workers_destroy(pool) }
    let faults = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: 4) { _ in
      for _ in 0..<3000 {
        var counts = [Int32](repeating: 0, count: 9)
        ap_workers_run(pool, Self.count, &counts, 3)
        // Shared out or alone: each part once either way.
        let parts = Int(counts[8])
        let isWhole = [1, 3].contains(parts) && (0..<8).allSatisfy { counts[$0] == ($0 < parts ? 1 : 0) }
        if !isWhole { faults.add(1, ordering: .relaxed) }
      }
    }
    #expect(faults.load(ordering: .relaxed) == 0)
    // The pool is whole again afterwards.
    var counts = [Int32](repeating: 0, count: 9)
    ap_workers_run(pool, Self.count, &counts, 3)
    #expect(counts[8] == 3)
  }

  @Test("a job may start another one on the same pool, which runs where it stands")
  func nested() {
    struct Outer {
      var pool: OpaquePointer?
      var parts: (Int32, Int32) = (0, 0)
    }
    var outer = Outer(pool: ap_workers_create(2))
    defer { ap_workers_destroy(outer.pool) }
    let body: @convention(c) (UnsafeRawPointer?, Int, Int) -> Void = { context, part, _ in
      let outer = UnsafeMutablePointer(mutating: context!.assumingMemoryBound(to: Outer.self))
      var counts = [Int32](repeating: 0, count: 9)
      ap_workers_run(outer.pointee.pool, WorkersTests.count, &counts, 2)
      if part == 0 { outer.pointee.parts.0 = counts[8] } else { outer.pointee.parts.1 = counts[8] }
    }
    ap_workers_run(outer.pool, body, &outer, 2)
    #expect(outer.parts == (1, 1))
  }

  @Test("products of several threads on shared workers are right, to the last bit")
  func products() {
    var noise = Noise(17)
    let weights = noise.weights(640 * 48)
    let matrix = Matrix(panelsOf: 640, 48) { weights[$0 * 48 + $1] }
    let inputs = (0..<4).map { _ in noise.floats(2 * 48) }
    let alone = Workers(threads: 1)
    @Sendable func multiply(_ x: [Float], _ workers: Workers) -> [Float] {
      var y = [Float](repeating: 0, count: 2 * 640)
      matrix.multiply(x, xStride: 48, into: &y, yStride: 640, count: 2, workers)
      return y
    }
    let expected = inputs.map { multiply($0, alone) }
    let shared = Workers(threads: 3)
    let faults = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: 4) { index in
      for _ in 0..<150 where multiply(inputs[index], shared) != expected[index] {
        faults.add(1, ordering: .relaxed)
      }
    }
    #expect(faults.load(ordering: .relaxed) == 0)
  }

  @Test("workers that fell asleep wake for the next job")
  func sleep() async throws {
    let pool = ap_workers_create(2)
    defer { ap_workers_destroy(pool) }
    for _ in 0..<5 {
      var counts = [Int32](repeating: 0, count: 9)
      ap_workers_run(pool, Self.count, &counts, 2)
      #expect(counts[1] == 1)
      try await Task.sleep(for: .milliseconds(20))
    }
  }
}
