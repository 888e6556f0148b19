package import Kernels

/// The lanes that a pass advances. A lane is one position of one state.
///
/// One lane is a live step; k lanes of one state, at consecutive positions, are a block (causal inside), as in a prompt;
/// lanes of several states are several conversations. Every weight is read once for all of them.
package final class Lanes: @unchecked Sendable {
  package let capacity: Int
  package private(set) var count = 0
  /// Position of each lane; it grows without bound.
  package let positions: UnsafeMutablePointer<Int64>
  /// Newest position in each lane's rings once this pass has run.
  package let newest: UnsafeMutablePointer<Int64>
  /// Memory of each lane's state.
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

  /// Adds `length` lanes of one state, at positions `first`, `first + 1`, ...
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
