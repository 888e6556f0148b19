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
      ap_run_product(pool, Kernels.table, $0, parts(job.rows * job.depth * job.columns))
    }
  }

  /// Remembers keys and values, then attends; columns and heads are shared out.
  ///
  /// - Parameters:
  ///   - storing: multiply-adds, or what takes as long, of the first half.
  ///   - reading: of the second.
  func run(_ job: ap_attention, storing: Int, reading: Int) {
    withUnsafePointer(to: job) {
      ap_run_attention(pool, Kernels.table, $0, parts(storing), parts(reading))
    }
  }

  /// Reads memory, and nothing else.
  package func read(_ memory: UnsafeRawPointer, _ bytes: Int) {
    ap_run_read(pool, Kernels.table, memory, bytes)
  }
}
