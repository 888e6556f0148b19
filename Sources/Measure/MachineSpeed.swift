internal import Base
package import Dialogue
internal import Dispatch
internal import Kernels

/// How fast this machine reads memory and runs the kernels of a step, measured in a second or two.
package struct MachineSpeed: Encodable {
  /// Bytes per second.
  package struct Rate: Encodable {
    /// Speed with weights in memory.
    package let memory: Double
    /// Speed with weights in the processor's caches.
    package let cache: Double
  }

  package let threads: Int
  /// Bytes of memory per second, all threads together, best of several passes.
  package let readBandwidth: Double
  /// Speed of products with one column, by bits of a weight.
  package let kernels: [String: Rate]
  /// How much longer products of 4 bits with 1, 2, 3 and 4 columns take than with one.
  package let columns: [Double]
  /// Seconds that a product takes in addition to reading its weights.
  package let productOverhead: Double
  /// Multiply-adds per second of the codec's products, one thread.
  package let codecRate: Double
  /// Bytes of the largest cache, if the system reports it.
  package let cacheBytes: Int?

  // Large enough that no cache helps, small enough for a machine of 1 GB.
  private static let largeBytes = 256 << 20
  private static let smallBytes = 4 << 20
  private static let side = 2048

  /// The percentile of all runs that counts as the machine's speed.
  package enum Load: Int {
    /// The speed of the machine when no other program is busy.
    case quiet = 10
    /// The speed of the machine now, with its other programs.
    case now = 50
  }

  package init(threads: Int, _ load: Load) {
    self.threads = threads
    let workers = Workers(threads: threads)
    let storage = FloatStorage(count: Self.largeBytes / 4)
    let stream = Self.read(storage, threads: threads)
    var kernels: [String: Rate] = [:]
    for (bits, format) in [(16, Matrix.Format.bfloat), (8, .q8), (4, .q4)] {
      kernels[String(bits)] = Rate(
        memory: Self.products(storage, format, bits, Self.largeBytes, workers, load),
        cache: Self.products(storage, format, bits, Self.smallBytes, workers, load))
    }
    self.kernels = kernels
    let one = Self.products(storage, .q4, 4, Self.largeBytes, workers, load)
    columns =
      [1]
      + (2...4).map { count in
        max(one / Self.products(storage, .q4, 4, Self.largeBytes, workers, load, columns: count), 1)
      }
    // If a kernel reads faster than the plain read loop, its speed is the better measure of the memory.
    readBandwidth = max(stream, kernels.values.map(\.memory).max() ?? 0)
    productOverhead = Self.overhead(storage, workers, load)
    codecRate = Self.codec(load)
    cacheBytes = Host.largestCache
  }

  /// Seconds of one step.
  package func seconds(_ work: StepWork) -> Double {
    guard let rate = kernels[String(work.bits)] else { return .infinity }
    // Weights that fit into half of the cache stay there from one frame to the next.
    let isCached = cacheBytes.map { work.weightBytes <= $0 / 2 } ?? false
    return Double(work.weightBytes) / (isCached ? rate.cache : rate.memory)
      + Double(work.products) * productOverhead + Double(work.cacheBytes)
      / (readBandwidth * Self.cacheEfficiency)
  }

  /// Seconds of the steps for `frames` frames, for which the backbone runs once, at 4 bits: one column is the backbone's,
  /// the others are drafted.
  package func seconds(_ model: PublishedModel, kv: CacheOptions.Format, frames: Int) -> Double {
    seconds(model.work(bits: 4, kv: kv)) + seconds(model.backboneWork(bits: 4)) * (columns[frames - 1] - 1)
      + Double(frames - 1) * seconds(model.draftWork(bits: 4))
  }

  /// Seconds that Mimi takes to encode and decode a frame on one thread.
  package func mimiSeconds(codebooks: Int) -> Double {
    // 215 M multiply-adds each way, the search through the codebooks, and 330 MB of f32 weights.
    (430e6 + Double(codebooks) * 2048 * 256) / codecRate + 330e6 / readBandwidth
  }

  // Attention reads keys and values in segments, one per head, which is slower than one stream.
  private static let cacheEfficiency = 0.7

  private static func seconds(_ body: () -> Void) -> Double {
    let start = MonotonicClock.microseconds
    body()
    return Double(MonotonicClock.microseconds - start) / 1e6
  }

  /// Seconds of one run, from runs for about `duration` seconds.
  private static func time(_ load: Load, for duration: Double, _ body: () -> Void) -> Double {
    body()
    var times: [Double] = []
    var sum = 0.0
    while times.count < 10 || sum < duration {
      times.append(seconds(body))
      sum += times[times.count - 1]
    }
    return times.sorted()[times.count * load.rawValue / 100]
  }

  private static func read(_ storage: FloatStorage, threads: Int) -> Double {
    let words = storage.count * 4 / MemoryLayout<SIMD8<UInt64>>.stride
    nonisolated(unsafe) let base = UnsafeRawPointer(storage.base).assumingMemoryBound(to: SIMD8<UInt64>.self)
    nonisolated(unsafe) let sums = UnsafeMutablePointer<UInt64>.allocate(capacity: threads)
    defer { sums.deallocate() }
    var best = 0.0
    for _ in 0..<12 {
      let time = seconds {
        DispatchQueue.concurrentPerform(iterations: threads) { thread in
          var (a, b, c, d) = (
            SIMD8<UInt64>.zero, SIMD8<UInt64>.zero, SIMD8<UInt64>.zero, SIMD8<UInt64>.zero
          )
          var i = words * thread / threads
          let end = words * (thread + 1) / threads
          while i + 4 <= end {
            a ^= base[i]
            b ^= base[i + 1]
            c ^= base[i + 2]
            d ^= base[i + 3]
            i += 4
          }
          // The sums are stored, so that the compiler does not remove the reads.
          sums[thread] = (a ^ b ^ c ^ d).wrappedSum()
        }
      }
      best = max(best, Double(storage.count * 4) / time)
    }
    return best
  }

  private static func products(
    _ storage: FloatStorage, _ format: Matrix.Format, _ bits: Int, _ limit: Int, _ workers: Workers,
    _ load: Load, columns: Int = 1
  ) -> Double {
    let bytes = StepWork.bytes(side * side, bits: bits)
    let matrices = (0..<max(limit / bytes, 1)).map {
      Matrix(
        rows: side, columns: side, format: format, weights: UnsafeRawPointer(storage.base) + $0 * bytes,
        owner: storage)
    }
    let x = [Float](repeating: 1, count: columns * side)
    var y = [Float](repeating: 0, count: columns * side)
    let time = Self.time(load, for: 0.15) {
      for matrix in matrices {
        matrix.multiply(x, xStride: side, into: &y, yStride: side, count: columns, workers)
      }
    }
    return Double(bytes * matrices.count) / time
  }

  private static func overhead(_ storage: FloatStorage, _ workers: Workers, _ load: Load) -> Double {
    // Just large enough to be shared among threads.
    let matrix = Matrix(rows: 256, columns: 256, format: .bfloat, weights: storage.base, owner: storage)
    let x = [Float](repeating: 1, count: 256)
    var y = [Float](repeating: 0, count: 256)
    let many = 64
    return time(load, for: 0.05) {
      for _ in 0..<many { matrix.multiply(x, xStride: 256, into: &y, yStride: 256, count: 1, workers) }
    } / Double(many)
  }

  private static func codec(_ load: Load) -> Double {
    // The codec's convolutions have this form: several columns, f32 panels.
    let (rows, columns, count) = (512, 1536, 16)
    let matrix = Matrix(panelsOf: rows, columns) { _, _ in 1 }
    let x = [Float](repeating: 1, count: columns * count)
    var y = [Float](repeating: 0, count: rows * count)
    let workers = Workers(threads: 1)
    let time = Self.time(load, for: 0.1) {
      matrix.multiply(x, xStride: columns, into: &y, yStride: rows, count: count, workers)
    }
    return Double(rows * columns * count) / time
  }
}
