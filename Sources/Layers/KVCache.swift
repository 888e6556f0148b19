package import Kernels

/// A ring of keys and values of one layer, [heads][capacity][headWidth] each, in the session's memory. It wraps for ever.
///
/// Keys are stored already rotated at their absolute position, so nothing is ever moved or rotated again.
/// With `capacity` = context + (columns per step - 1) a block of columns sees exactly what single steps would see; with
/// `capacity` = context, the earlier columns of a block lose the oldest keys, as Mimi's own streaming does.
package struct KVCache: Sendable {
  package let heads: Int
  package let headWidth: Int
  package let capacity: Int
  private let keys: Region<Float>
  private let values: Region<Float>

  package init(heads: Int, headWidth: Int, capacity: Int, in plan: inout MemoryPlan) {
    self.heads = heads
    self.headWidth = headWidth
    self.capacity = capacity
    keys = plan.reserve(Float.self, heads * capacity * headWidth)
    values = plan.reserve(Float.self, heads * capacity * headWidth)
  }

  /// Bytes of one position.
  package var bytesPerPosition: Int { 2 * heads * headWidth * MemoryLayout<Float>.size }

  /// Writes the key and value of every column to its own ring.
  ///
  /// - Parameters:
  ///   - key: [count][stride], heads contiguous.
  ///   - value: [count][stride], heads contiguous.
  func store(
    key: UnsafePointer<Float>, value: UnsafePointer<Float>, stride: Int, _ columns: Columns
  ) {
    for column in 0..<columns.count {
      let state = columns.state(column)
      let slot = Int(columns.positions[column] % Int64(capacity))
      let (k, v) = (state[keys] + slot * headWidth, state[values] + slot * headWidth)
      for head in 0..<heads {
        let offset = column * stride + head * headWidth
        (k + head * capacity * headWidth).update(from: key + offset, count: headWidth)
        (v + head * capacity * headWidth).update(from: value + offset, count: headWidth)
      }
      columns.keys[column] = UnsafePointer(state[keys])
      columns.values[column] = UnsafePointer(state[values])
    }
  }
}
