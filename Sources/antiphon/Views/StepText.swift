import Base
import Latency
import Runtime

/// The bytes that a step reads, compared with the speed of memory.
enum StepText {
  static func reading(_ summary: LatencySummary) -> String {
    let run = summary.run
    let bytes = NumberText.bytes(Int(run["bytes_per_step"] ?? "") ?? 0)
    let share =
      run["of_memory"].flatMap(Double.init).map { ", \(NumberText.fixed(100 * $0, 1)) % of it" } ?? ""
    return "\(run["instruction_set"] ?? ""), weights \(run["bits"] ?? ""), cache \(run["kv"] ?? ""), "
      + "\(run["conversations"] ?? "") conversations: \(bytes) a step, \(run["gigabytes_per_second"] ?? "") GB/s "
      + "(memory \(run["memory_gigabytes_per_second"] ?? "")\(share)), "
      + "\(run["frames_per_second"] ?? "") frames a second"
      + (run["frames_per_pass"].map {
        "; \($0) frames for a pass: \(run["frames_of_a_pass_p99_ms"] ?? "") ms together (p99)"
      } ?? "")
  }
}
