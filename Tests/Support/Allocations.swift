internal import CTestSupport

/// Heap allocations that the calling thread makes in `body`.
public func countAllocations(_ body: () throws -> Void) rethrows -> Int {
  ap_test_counting_begins()
  // Whatever happens, other code of this thread is not counted.
  defer { _ = ap_test_counting_ends() }
  try body()
  return Int(ap_test_counting_ends())
}
