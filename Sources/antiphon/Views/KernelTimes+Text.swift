import Base
import Measure

extension KernelTimes.Result {
  /// The result as lines of text.
  var text: String {
    let head =
      "\(instructionSet), \(threads) threads, \(rows) x \(depth), medians of \(rounds) rounds; memory "
      + "\(NumberText.fixed(memoryGigabytesPerSecond, 1)) GB/s"
    let rows = products.map {
      [
        $0.weights, "\($0.columns)", NumberText.fixed($0.milliseconds, 3),
        NumberText.fixed($0.gigabytesPerSecond, 1),
        NumberText.fixed(100 * $0.ofMemory, 0) + " %",
      ]
    }
    return head + "\n" + TextTable.text([["weights", "columns", "ms", "GB/s", "of memory"]] + rows)
  }
}
