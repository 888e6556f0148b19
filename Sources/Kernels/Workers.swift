internal import CKernels

/// A fixed pool of threads that share one product or one attention: they spin while a step runs and sleep between steps.
package final class Workers: @unchecked Sendable {
  // Null means one thread: everything runs on the caller.
  private let pool: OpaquePointer?

  /// - Parameter threads: threads that compute, the caller included; 1 creates none.
  package init(threads: Int) {
    precondition(threads >= 1)
    pool = ap_workers_create(Int32(threads))
  }

  deinit { ap_workers_destroy(pool) }

  package var count: Int { Int(ap_workers_count(pool)) }

  // Small jobs are done before a second thread has noticed them. Large ones are cut finer than there are threads, so that
  // one that is held up holds up little.
  private static let smallJob = 32768
  private static let partsPerThread = 8

  /// Parts of a job of so many multiply-adds.
  private func parts(_ work: Int) -> Int { work < Self.smallJob ? 1 : count * Self.partsPerThread }

  /// Computes a product, its rows shared out.
  func run(_ job: ap_product) {
    withUnsafePointer(to: job) {
      ap_workers_run(
        pool, { Kernels.table.pointee.product($0!.assumingMemoryBound(to: ap_product.self), $1, $2) }, $0,
        parts(job.rows * job.depth * job.columns))
    }
  }

  /// Attends for every column and head, shared out over the threads.
  ///
  /// Keys and values lie as [heads][capacity][headWidth] in rings; a query at position p sees the positions in
  /// (p - context, p] that are still in its ring.
  ///
  /// - Parameters:
  ///   - queries: [columns][queryStride], heads contiguous.
  ///   - keys: one ring per column.
  ///   - values: one ring per column.
  ///   - positions: position of each query.
  ///   - newest: newest position in each ring.
  ///   - scores: scratch, [columns][heads][capacity].
  ///   - out: [columns][heads * headWidth].
  package func attend(
    _ queries: UnsafePointer<Float>, queryStride: Int, keys: UnsafeMutablePointer<UnsafePointer<Float>?>,
    values: UnsafeMutablePointer<UnsafePointer<Float>?>, positions: UnsafePointer<Int64>,
    newest: UnsafePointer<Int64>, columns: Int, heads: Int, headWidth: Int, capacity: Int, context: Int,
    scores: UnsafeMutablePointer<Float>, into out: UnsafeMutablePointer<Float>
  ) {
    let job = ap_attention(
      queries: queries, out: out, scores: scores, keys: keys, values: values, positions: positions,
      newest: newest,
      columns: columns, heads: heads, head_dim: headWidth, query_stride: queryStride, capacity: capacity,
      context: context, scale: 1 / Float(headWidth).squareRoot())
    withUnsafePointer(to: job) {
      ap_workers_run(
        pool, { Kernels.table.pointee.attention($0!.assumingMemoryBound(to: ap_attention.self), $1, $2) }, $0,
        parts(2 * columns * heads * headWidth * Int(min(newest[0] + 1, Int64(min(context, capacity))))))
    }
  }
}
