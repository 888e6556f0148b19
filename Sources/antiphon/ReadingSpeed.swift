/// How fast steps read their weights and caches, beside how fast memory is read in between, in gigabytes a second.
struct ReadingSpeed {
  /// One before each step.
  var memory: [Double] = []
  var steps: [Double] = []

  /// The share of memory's speed that a step in the middle reaches, each compared with the passes before and after it; nil
  /// where memory was not measured between steps.
  var ofMemory: Double? {
    guard memory.count == steps.count, steps.count > 1 else { return nil }
    let passes = zip(memory, memory.dropFirst()).map { (before, after) -> Double in (before + after) / 2 }
    return Figures.median(zip(steps, passes).map { (step, pass) -> Double in step / pass })
  }
}
