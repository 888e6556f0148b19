package import Kernels

/// One run of a stack of layers over its lanes: what every layer of the stack receives.
package struct Pass {
  package let lanes: Lanes
  /// Memory of the regions that layers reserve as scratch; nothing in it outlives the pass.
  package let scratch: MemoryView
  /// Threads that share the arithmetic.
  package let workers: Workers

  package init(_ lanes: Lanes, scratch: MemoryView, _ workers: Workers) {
    self.lanes = lanes
    self.scratch = scratch
    self.workers = workers
  }
}
