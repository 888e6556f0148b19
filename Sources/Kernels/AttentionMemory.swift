internal import CKernels

/// Where one layer keeps keys and values in the memory of a state, and in which form. The rings wrap without end.
///
/// In 4 bits, the last positions and the very first ones are also kept in 8 bits, and heads are rotated by a Hadamard
/// matrix, which spreads the outliers of one channel over all of them.
package struct AttentionMemory: @unchecked Sendable {
  /// The form of a stored value.
  package enum Format: String, CaseIterable, Sendable {
    case f32, f16
    /// 8 bits, with a half-precision scale for each 32 neighbours: 8.5 bits a value.
    case q8
    /// 4 bits with such scales: 4.5 bits a value, and the copies in 8 bits.
    case q4
  }

  let memory: ap_memory
  package let format: Format
  package var heads: Int { memory.heads }
  package var headWidth: Int { memory.head_dim }
  /// Positions that the ring holds.
  package var capacity: Int { memory.all.capacity }

  /// Whether heads of this width can be stored so.
  package static func fits(_ format: Format, headWidth: Int) -> Bool {
    format == .f32 || format == .f16 || headWidth % Int(QuantizedBlocks.inputs) == 0
  }

  /// - Parameters:
  ///   - capacity: positions of the ring.
  ///   - recent: for a ring of 4 bits, last positions of a query's window that are read in 8 bits.
  ///   - pinned: for a ring of 4 bits, first positions of the conversation that are read in 8 bits.
  ///   - block: most positions of one state that one pass adds.
  ///   - isRotated: for a ring of 4 bits, whether the Hadamard matrix is used.
  package init(
    _ format: Format, heads: Int, headWidth: Int, capacity: Int, recent: Int = 0, pinned: Int = 0,
    block: Int = 1, isRotated: Bool = false, in plan: inout MemoryPlan
  ) {
    precondition(Self.fits(format, headWidth: headWidth))
    func ring(_ format: Format, _ capacity: Int) -> ap_ring {
      let tag = format.tag
      let bytes = ap_ring_bytes(tag, heads, capacity, headWidth)
      let (keys, values) = (plan.reserve(UInt8.self, bytes), plan.reserve(UInt8.self, bytes))
      return ap_ring(keys: keys.offset, values: values.offset, capacity: capacity, format: tag)
    }
    let all = ring(format, capacity)
    let isLayered = format == .q4
    let fine = isLayered && recent > 0 ? ring(.q8, recent + block - 1) : ap_ring()
    let first = isLayered && pinned > 0 ? ring(.q8, pinned) : ap_ring()
    self.format = format
    memory = ap_memory(
      all: all, fine: fine, first: first, recent: isLayered ? recent : 0, pinned: isLayered ? pinned : 0,
      heads: heads, head_dim: headWidth, rotate: isLayered && isRotated)
  }

  /// The key in a slot of a ring in f32: `headWidth` floats.
  package func key(_ state: MemoryView, head: Int, slot: Int) -> UnsafePointer<Float> {
    precondition(format == .f32 && 0..<heads ~= head && 0..<capacity ~= slot)
    let keys = UnsafeRawPointer(state.base) + memory.all.keys
    return keys.assumingMemoryBound(to: Float.self) + (head * capacity + slot) * headWidth
  }

  /// Bytes of keys and values that a query reads for one more position in its window.
  package var bytesPerPosition: Int { 2 * ap_ring_bytes(memory.all.format, heads, 16, headWidth) / 16 }
}

extension AttentionMemory.Format {
  fileprivate var tag: ap_cache {
    switch self {
    case .f32: AP_CACHE_F32
    case .f16: AP_CACHE_F16
    case .q8: AP_CACHE_Q8
    case .q4: AP_CACHE_Q4
    }
  }
}

extension Workers {
  /// Stores the columns' keys and values, then computes the attention of every column and head, shared among the
  /// threads.
  ///
  /// A query at position p sees the positions in (p - context, p] that are still in its state's ring.
  ///
  /// - Parameters:
  ///   - queries: [columns][stride], heads contiguous; keys and values likewise.
  ///   - states: memory of each column's state.
  ///   - positions: position of each column.
  ///   - newest: newest position of each column's state, once these columns are stored.
  ///   - scores: scratch, [columns][heads][capacity].
  ///   - out: [columns][heads * headWidth].
  package func attend(
    _ memory: AttentionMemory, queries: UnsafePointer<Float>, keys: UnsafePointer<Float>,
    values: UnsafePointer<Float>, stride: Int, states: UnsafePointer<UnsafeMutableRawPointer?>,
    positions: UnsafePointer<Int64>, newest: UnsafePointer<Int64>, columns: Int, context: Int,
    scores: UnsafeMutablePointer<Float>, into out: UnsafeMutablePointer<Float>
  ) {
    withUnsafePointer(to: memory.memory) { rings in
      let job = ap_attention(
        queries: queries, keys: keys, values: values, out: out, scores: scores, states: states,
        positions: positions, newest: newest, memory: rings, columns: columns, stride: stride,
        context: context, scale: 1 / Float(memory.headWidth).squareRoot())
      let width = columns * memory.heads * memory.headWidth
      // Copying is quick; rounding costs tens of operations a value.
      let isRounded = memory.format == .q8 || memory.format == .q4
      run(
        job, storing: isRounded ? 40 * width : 0,
        reading: 2 * width * Int(min(newest[0] + 1, Int64(min(context, memory.capacity)))))
    }
  }
}
