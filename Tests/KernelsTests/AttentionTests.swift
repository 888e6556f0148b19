import CKernels
import Kernels
import TestSupport
import Testing

/// Attention over rings against attention over everything that was ever written.
struct AttentionTests {
  /// A ring that is filled position by position, and the history that it forgets.
  private struct Ring {
    let (heads, width, capacity): (Int, Int, Int)
    var keys: [Float]
    var values: [Float]
    var history: [(keys: [Float], values: [Float])] = []

    init(heads: Int, width: Int, capacity: Int) {
      (self.heads, self.width, self.capacity) = (heads, width, capacity)
      // What was never written must never be read.
      keys = [Float](repeating: .nan, count: heads * capacity * width)
      values = keys
    }

    mutating func write(_ noise: inout Noise) {
      let (key, value) = (noise.floats(heads * width), noise.floats(heads * width))
      for head in 0..<heads {
        for i in 0..<width {
          let place = (head * capacity + history.count % capacity) * width + i
          keys[place] = key[head * width + i]
          values[place] = value[head * width + i]
        }
      }
      history.append((key, value))
    }

    /// What the query at `position` should see: [heads * width].
    func attend(_ query: [Float], position: Int, context: Int) -> [Float] {
      let seen = history[max(0, position - context + 1, history.count - capacity)...position]
      return (0..<heads).flatMap { head in
        let part = head * width..<(head + 1) * width
        return Reference.attention(
          query: Array(query[part]), keys: seen.map { Array($0.keys[part]) },
          values: seen.map { Array($0.values[part]) },
          scale: 1 / Float(width).squareRoot())
      }
    }
  }

  private static func attend(
    _ table: ap_table, _ rings: [Ring], _ queries: [Float], stride: Int, positions: [Int64], context: Int,
    parts: Int
  ) -> [Float] {
    let first = rings[0]
    var out = [Float](repeating: 9, count: rings.count * first.heads * first.width)
    var scores = [Float](repeating: 0, count: rings.count * first.heads * first.capacity)
    // Each state's memory: its keys, then its values.
    let size = first.heads * first.capacity * first.width
    var memory = rings.flatMap { $0.keys + $0.values }
    let newest = rings.map { Int64($0.history.count - 1) }
    var layout = ap_memory()
    layout.all = ap_ring(keys: 0, values: size * 4, capacity: first.capacity, format: AP_CACHE_F32)
    (layout.heads, layout.head_dim) = (first.heads, first.width)
    memory.withUnsafeMutableBufferPointer { memory in
      let base = UnsafeMutableRawPointer(memory.baseAddress!)
      let states: [UnsafeMutableRawPointer?] = rings.indices.map { base + $0 * 2 * size * 4 }
      var job = ap_attention()
      (job.columns, job.stride, job.context) = (rings.count, stride, context)
      job.scale = 1 / Float(first.width).squareRoot()
      withUnsafePointer(to: layout) { layout in
        queries.withUnsafeBufferPointer { queries in
          states.withUnsafeBufferPointer { states in
            positions.withUnsafeBufferPointer { positions in
              newest.withUnsafeBufferPointer { newest in
                out.withUnsafeMutableBufferPointer { out in
                  scores.withUnsafeMutableBufferPointer { scores in
                    job.memory = layout
                    (job.queries, job.out, job.scores) = (
                      queries.baseAddress, out.baseAddress, scores.baseAddress
                    )
                    (job.states, job.positions, job.newest) = (
                      states.baseAddress, positions.baseAddress, newest.baseAddress
                    )
                    for part in 0..<parts { table.attention(&job, part, parts) }
                  }
                }
              }
            }
          }
        }
      }
    }
    return out
  }

  @Test(
    "a query sees the last positions of its window and nothing else, round the ring and round again",
    arguments: Tables.names, [(1, 1, 4, 4), (2, 8, 4, 4), (3, 5, 4, 7), (2, 33, 9, 9), (2, 16, 12, 5)])
  func wraps(table: String, sizes: (heads: Int, width: Int, context: Int, capacity: Int)) {
    let table = Tables.named(table)
    var noise = Noise(14)
    var ring = Ring(heads: sizes.heads, width: sizes.width, capacity: sizes.capacity)
    for position in 0..<3 * sizes.capacity {
      ring.write(&noise)
      let query = noise.floats(sizes.heads * sizes.width)
      let out = Self.attend(
        table, [ring], query, stride: query.count, positions: [Int64(position)], context: sizes.context,
        parts: 1)
      let expected = ring.attend(query, position: position, context: sizes.context)
      #expect(largestDifference(out, expected) <= 2e-6, "position \(position)")
    }
  }

  @Test("earlier columns of a block do not see the later ones", arguments: Tables.names)
  func block(table: String) {
    let table = Tables.named(table)
    var noise = Noise(15)
    var ring = Ring(heads: 2, width: 6, capacity: 4 + 2)
    for _ in 0..<11 { ring.write(&noise) }
    let queries = noise.floats(3 * 12)
    let out = Self.attend(
      table, [ring, ring, ring], queries, stride: 12, positions: [8, 9, 10], context: 4, parts: 1)
    let expected = (0..<3).flatMap {
      ring.attend(Array(queries[$0 * 12..<($0 + 1) * 12]), position: 8 + $0, context: 4)
    }
    #expect(largestDifference(out, expected) <= 2e-6)
  }

  @Test(
    "columns of several rings see each their own, whatever their positions and the number of threads",
    arguments: Tables.names)
  func severalStates(table: String) {
    let table = Tables.named(table)
    var noise = Noise(16)
    let rings = [3, 9, 1, 14].map { length in
      var ring = Ring(heads: 3, width: 7, capacity: 5)
      for _ in 0..<length { ring.write(&noise) }
      return ring
    }
    let positions = rings.map { Int64($0.history.count - 1) }
    // Queries stand inside longer rows, as they do beside keys and values.
    let (stride, width) = (50, 21)
    let queries = noise.floats(4 * stride)
    let whole = Self.attend(table, rings, queries, stride: stride, positions: positions, context: 5, parts: 1)
    let expected = rings.indices.flatMap {
      rings[$0].attend(
        Array(queries[$0 * stride..<$0 * stride + width]), position: Int(positions[$0]), context: 5)
    }
    #expect(largestDifference(whole, expected) <= 2e-6)
    for parts in 2...5 {
      let shared = Self.attend(
        table, rings, queries, stride: stride, positions: positions, context: 5, parts: parts)
      #expect(shared == whole)
    }
  }
}
