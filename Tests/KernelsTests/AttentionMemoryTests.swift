import Kernels
import TestSupport
import Testing

/// Keys and values in every form: what comes out, round the ring and round again.
struct AttentionMemoryTests {
  private static let (heads, context) = (2, 40)

  /// One state of one layer, and what it was given.
  private struct LayerState: ~Copyable {
    let memory: AttentionMemory
    let block: MemoryBlock
    let workers: Workers
    let width: Int
    var rows: [[Float]] = []
    private var scores: [Float]

    init(
      _ format: AttentionMemory.Format, headWidth: Int, block: Int = 1, isRotated: Bool = true,
      recent: Int = 9,
      threads: Int = 1
    ) {
      var plan = MemoryPlan()
      memory = AttentionMemory(
        format, heads: heads, headWidth: headWidth, capacity: context + block - 1, recent: recent, pinned: 4,
        block: block, isRotated: isRotated, in: &plan)
      self.block = MemoryBlock(plan)
      workers = Workers(threads: threads)
      width = heads * headWidth
      scores = [Float](repeating: 0, count: block * heads * memory.capacity)
    }

    /// Rows [queries, keys, values] of as many positions, at once; returns what each sees.
    mutating func step(_ added: [[Float]], from first: Int = 0) -> [[Float]] {
      let count = added.count
      let positions = (0..<count).map { Int64(first + rows.count + $0) }
      let newest = [Int64](repeating: positions[count - 1], count: count)
      let states = [UnsafeMutableRawPointer?](repeating: block.view.base, count: count)
      var out = [Float](repeating: 9, count: count * width)
      let x = added.flatMap { $0 }
      x.withUnsafeBufferPointer { x in
        let x = x.baseAddress!
        workers.attend(
          memory, queries: x, keys: x + width, values: x + 2 * width, stride: 3 * width, states: states,
          positions: positions, newest: newest, columns: count, context: context, scores: &scores, into: &out)
      }
      rows += added
      return (0..<count).map { Array(out[$0 * width..<($0 + 1) * width]) }
    }

    /// What the newest position should see.
    func exact() -> [Float] {
      let (seen, size) = (rows.suffix(context), width / heads)
      return (0..<heads).flatMap { head in
        func part(_ row: [Float], _ which: Int) -> [Float] {
          Array(row[(which * width + head * size)..<(which * width + (head + 1) * size)])
        }
        return Reference.attention(
          query: part(rows.last!, 0), keys: seen.map { part($0, 1) }, values: seen.map { part($0, 2) },
          scale: 1 / Float(size).squareRoot())
      }
    }
  }

  private static func rows(_ seed: UInt64, _ count: Int, headWidth: Int) -> [[Float]] {
    var noise = Noise(seed)
    return (0..<count).map { _ in noise.floats(3 * heads * headWidth) }
  }

  @Test(
    "every form sees what was remembered, within its rounding, three times round the ring",
    arguments: [(.f32, 2e-6), (.f16, 1e-3), (.q8, 0.02), (.q4, 0.12)] as [(AttentionMemory.Format, Float)],
    [32, 64, 96])
  func formats(format: (AttentionMemory.Format, Float), headWidth: Int) {
    var state = LayerState(format.0, headWidth: headWidth)
    for row in Self.rows(40, 3 * Self.context + 7, headWidth: headWidth) {
      let seen = state.step([row])[0]
      #expect(largestDifference(seen, state.exact()) <= format.1)
    }
  }

  @Test("heads of any width can be kept in f32 and f16, and in 8 and 4 bits those of whole blocks")
  func widths() {
    for format in AttentionMemory.Format.allCases {
      #expect(AttentionMemory.fits(format, headWidth: 64))
      #expect(AttentionMemory.fits(format, headWidth: 24) == (format == .f32 || format == .f16))
    }
    for format in [AttentionMemory.Format.f32, .f16] {
      var state = LayerState(format, headWidth: 12)
      for row in Self.rows(41, 90, headWidth: 12) {
        let seen = state.step([row])[0]
        #expect(largestDifference(seen, state.exact()) <= 1e-3)
      }
    }
  }

  @Test(
    "a block of columns sees what single steps see, to the last bit, in every form",
    arguments: AttentionMemory.Format.allCases, [2, 5, 16])
  func blocks(format: AttentionMemory.Format, size: Int) {
    var single = LayerState(format, headWidth: 32, block: 16)
    var block = LayerState(format, headWidth: 32, block: 16, threads: 3)
    let rows = Self.rows(42, 160, headWidth: 32)
    for start in stride(from: 0, to: rows.count - size, by: size) {
      let part = Array(rows[start..<start + size])
      let alone = part.map { single.step([$0])[0] }
      #expect(block.step(part) == alone)
    }
  }

  @Test("the first positions and the last ones are finer than the rest in 4 bits")
  func finer() {
    let rows = Self.rows(43, 12, headWidth: 32)
    // All twelve are pinned or recent: then 4 bits are 8 bits, but for the turned heads.
    var fine = LayerState(.q4, headWidth: 32, isRotated: false)
    var eight = LayerState(.q8, headWidth: 32)
    for row in rows { #expect(fine.step([row]) == eight.step([row])) }
    var coarse = LayerState(.q4, headWidth: 32, isRotated: false, recent: 0)
    var difference: Float = 0
    for row in rows {
      let seen = coarse.step([row])[0]
      difference = max(difference, largestDifference(seen, coarse.exact()))
    }
    #expect(difference > 0.02)
  }

  @Test("turned heads lose less where one channel is large", arguments: [5, 40])
  func rotation(channel: Int) {
    var (plain, turned) = (0.0, 0.0)
    var naive = LayerState(.q4, headWidth: 64, isRotated: false, recent: 0)
    var rotated = LayerState(.q4, headWidth: 64, isRotated: true, recent: 0)
    for var row in Self.rows(44, 60, headWidth: 64) {
      // A key with one loud channel, whose scale then serves 31 quiet ones.
      row[128 + channel] += 12
      let (a, b) = (naive.step([row])[0], rotated.step([row])[0])
      plain += Double(largestDifference(a, naive.exact()))
      turned += Double(largestDifference(b, rotated.exact()))
    }
    #expect(turned < plain)
  }

  @Test("a position reads 4, 2, 1.0625 or 0.5625 bytes a value")
  func bytes() {
    for (format, bytes) in zip(AttentionMemory.Format.allCases, [4, 2, 1.0625, 0.5625]) {
      let state = LayerState(format, headWidth: 64)
      #expect(Double(state.memory.bytesPerPosition) == bytes * 2 * 2 * 64)
    }
  }

  @Test(
    "remembering and attending take no memory from the heap", .enabled(if: WorkCounter.counts),
    arguments: AttentionMemory.Format.allCases)
  func allocations(format: AttentionMemory.Format) {
    let state = LayerState(format, headWidth: 64)
    let x = [Float](repeating: 0.5, count: 3 * state.width)
    var (out, scores) = ([Float](repeating: 0, count: state.width), [Float](repeating: 0, count: 100))
    var states: [UnsafeMutableRawPointer?] = [state.block.view.base]
    var position: [Int64] = [0]
    x.withUnsafeBufferPointer { x in
      let x = x.baseAddress!
      out.withUnsafeMutableBufferPointer { out in
        scores.withUnsafeMutableBufferPointer { scores in
          states.withUnsafeMutableBufferPointer { states in
            position.withUnsafeMutableBufferPointer { position in
              let count = countAllocations {
                for step in 0..<100 {
                  position[0] = Int64(step)
                  state.workers.attend(
                    state.memory, queries: x, keys: x + 128, values: x + 256, stride: 384,
                    states: states.baseAddress!, positions: position.baseAddress!,
                    newest: position.baseAddress!, columns: 1, context: 40, scores: scores.baseAddress!,
                    into: out.baseAddress!)
                }
              }
              #expect(count == 0)
            }
          }
        }
      }
    }
  }
}
