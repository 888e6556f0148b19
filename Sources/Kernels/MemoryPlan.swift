/// Adds up the memory that a model's layers need, before any is allocated.
///
/// Each layer reserves its regions while it is built; one `MemoryBlock` then holds them all. A reset is a new block and
/// a fork is a copy of one, so neither can leave a region out.
package struct MemoryPlan {
  /// Bytes reserved so far.
  package private(set) var bytes = 0

  package init() {}

  /// Reserves `count` elements on a cache line of their own.
  package mutating func reserve<Element: BitwiseCopyable>(_ type: Element.Type, _ count: Int) -> Region<
    Element
  > {
    let region = Region<Element>(offset: bytes, count: count)
    bytes += (count * MemoryLayout<Element>.stride + 63) & ~63
    return region
  }
}

/// Where some elements lie in any block made from the same plan.
package struct Region<Element: BitwiseCopyable>: Sendable {
  package let offset: Int
  package let count: Int
}

/// The memory of one plan: zeroed when it is made, and freed with its owner.
package struct MemoryBlock: ~Copyable, @unchecked Sendable {
  package let view: MemoryView
  package let bytes: Int

  package init(_ plan: MemoryPlan) {
    self.init(bytes: plan.bytes)
    view.base.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
  }

  private init(bytes: Int) {
    self.bytes = max(bytes, 64)
    view = MemoryView(base: LargePages.allocate(self.bytes))
  }

  /// A copy that shares nothing with this one.
  package borrowing func fork() -> MemoryBlock {
    let copy = MemoryBlock(bytes: bytes)
    copy.view.base.copyMemory(from: view.base, byteCount: bytes)
    return copy
  }

  deinit { view.base.deallocate() }
}

/// An unowned view of a block; valid while the block lives.
package struct MemoryView: @unchecked Sendable {
  package let base: UnsafeMutableRawPointer

  package init(base: UnsafeMutableRawPointer) { self.base = base }

  package subscript<Element>(_ region: Region<Element>) -> UnsafeMutablePointer<Element> {
    (base + region.offset).assumingMemoryBound(to: Element.self)
  }
}
