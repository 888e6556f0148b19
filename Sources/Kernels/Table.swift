internal import CKernels

/// The arithmetic chosen for this processor at start. `ANTIPHON_ISA=plain|avx2|avx512` asks for another that it can run.
package enum Kernels {
  /// The functions every layer calls.
  nonisolated(unsafe) static let table: UnsafePointer<ap_table> = ap_best_table()
}
