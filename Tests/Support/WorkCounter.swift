internal import CTestSupport

/// Heap allocations that the calling thread makes in `body`.
public func countAllocations(_ body: () throws -> Void) rethrows -> Int {
  ap_test_counting_begins()
  // Whatever happens, other code of this thread is not counted.
  defer { _ = ap_test_counting_ends() }
  try body()
  return Int(ap_test_counting_ends())
}

/// Counts heap allocations and mutexes of one thread between two moments that lie in different functions.
public final class WorkCounter: @unchecked Sendable {
  public private(set) var allocations = -1
  public private(set) var locks = -1
  private var before: Int64 = 0

  /// Whether this build counts: all do but those with AddressSanitizer or ThreadSanitizer, which have an allocator and
  /// mutexes of their own. Tests that count are enabled by it; `CountingTests` sees that it is true otherwise.
  public static var counts: Bool { ap_test_counts_work() }

  public init() {}

  /// The thread that ends the count must be the one that began it.
  public func begin() {
    before = ap_test_locks()
    ap_test_counting_begins()
  }

  public func end() {
    allocations = Int(ap_test_counting_ends())
    locks = Int(ap_test_locks() - before)
  }
}
