internal import CKernels
internal import Glibc

/// What this processor can run, by the names that `ANTIPHON_ISA` takes.
extension Kernels {
  private static let known = ["plain", "avx2", "avx512", "neon"]

  /// The set that was chosen.
  package static var instructions: String { String(cString: table.pointee.name) }

  package static var availableInstructions: [String] { known.filter { ap_table_named($0) != nil } }

  /// What `ANTIPHON_ISA` asks for in vain; the usual set is taken then.
  package static var missingInstructions: String? {
    guard let wanted = getenv("ANTIPHON_ISA"), ap_table_named(wanted) == nil else { return nil }
    return String(cString: wanted)
  }
}
