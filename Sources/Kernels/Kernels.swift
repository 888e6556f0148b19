internal import CKernels
internal import Glibc

/// The arithmetic chosen for this processor at start: an instruction set's table of functions.
///
/// `ANTIPHON_ISA` in the environment names another set. The command reports an error if the processor cannot run it.
package enum Kernels {
  /// The functions every layer calls.
  nonisolated(unsafe) static let table: UnsafePointer<ap_table> = ap_best_table()

  /// Names of the tables for all processors.
  package static let allNames = ["plain", "avx2", "avx512", "dotprod"]

  /// Tables that this processor can run.
  package static var names: [String] { allNames.filter { ap_table_named($0) != nil } }

  /// The table in use.
  package static var name: String { String(cString: table.pointee.name) }

  /// The set that `ANTIPHON_ISA` names if this processor lacks it.
  package static var missing: String? {
    guard let wanted = getenv("ANTIPHON_ISA").map({ String(cString: $0) }), !wanted.isEmpty else {
      return nil
    }
    return ap_table_named(wanted) == nil ? wanted : nil
  }
}
