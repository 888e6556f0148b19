package import Kernels

/// The columns a transformer advances at once. A column names its state and its position.
///
/// One column is a live step; k columns of one state, at consecutive positions, are a prompt or a block (causal inside);
/// columns of several states are several sessions. Every weight is read once for all of them.
package final class Columns: @unchecked Sendable {
  package let capacity: Int
  package private(set) var count = 0
  /// Position of each column's token; grows for ever.
  package let positions: UnsafeMutablePointer<Int64>
  /// Newest position written to that column's rings once this step has run.
  package let newest: UnsafeMutablePointer<Int64>
  /// Memory of each column's session.
  let states: UnsafeMutablePointer<UnsafeMutableRawPointer?>

  package init(capacity: Int) {
    self.capacity = capacity
    positions = .allocate(capacity: capacity)
    newest = .allocate(capacity: capacity)
    states = .allocate(capacity: capacity)
  }

  deinit {
    positions.deallocate()
    newest.deallocate()
    states.deallocate()
  }

  package func removeAll() { count = 0 }

  /// Adds `length` columns of one state, at positions `first`, `first + 1`, ...
  package func append(_ state: MemoryView, first: Int64, length: Int = 1) {
    precondition(count + length <= capacity)
    for i in 0..<length {
      states[count] = state.base
      positions[count] = first + Int64(i)
      newest[count] = first + Int64(length) - 1
      count += 1
    }
  }
}
