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

  // A small job is done before a second thread has noticed it. A large job has more parts than there are threads, so that
  // a thread that is preempted delays little of it.
  private static let smallJob = 32768
  private static let partsPerThread = 8

  /// Number of parts for a job with so many multiply-adds.
  private func parts(_ work: Int) -> Int { work < Self.smallJob ? 1 : count * Self.partsPerThread }

  /// Computes a product, whose rows are shared among the threads.
  func run(_ job: ap_product) {
    withUnsafePointer(to: job) {
      ap_run_product(pool, Kernels.table, $0, parts(job.rows * job.depth * job.columns))
    }
  }

  /// Stores keys and values, then computes attention; columns and heads are shared among the threads.
  ///
  /// - Parameters:
  ///   - storing: multiply-adds of storing, or operations that take as long.
  ///   - reading: multiply-adds of attention.
  func run(_ job: ap_attention, storing: Int, reading: Int) {
    withUnsafePointer(to: job) {
      ap_run_attention(pool, Kernels.table, $0, parts(storing), parts(reading))
    }
  }

  /// Reads memory without computing anything, to measure its speed.
  package func read(_ memory: UnsafeRawPointer, _ bytes: Int) {
    ap_run_read(pool, Kernels.table, memory, bytes)
  }
}
