extension Matrix {
  /// Random weights for benchmarks: small, finite, and in memory of their own.
  package init(randomOf rows: Int, _ columns: Int, _ format: Format) {
    let isQuantized = format == .q8 || format == .q4
    precondition(!isQuantized || QuantizedBlocks.fits(columns: columns))
    let bytes = Matrix.bytes(rows: rows, columns: columns, format)
    let storage = FloatStorage(count: (bytes + 3) / 4)
    let words = UnsafeMutableRawPointer(storage.base).assumingMemoryBound(to: UInt32.self)
    // Any bytes are valid levels, and any half-precision values below 1 are valid scales. The upper bits are chosen so
    // that floats lie below 1.
    let mask: UInt32 = isQuantized ? 0x3BFF_3BFF : 0xBDFF_BDFF
    var seed: UInt32 = 1
    for i in 0..<storage.count {
      seed = seed &* 1_664_525 &+ 1_013_904_223
      words[i] = seed & mask
    }
    self.init(rows: rows, columns: columns, format: format, weights: storage.base, owner: storage)
  }
}
