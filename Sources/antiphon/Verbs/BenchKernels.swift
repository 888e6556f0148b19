import ArgumentParser
import Base
import Kernels
import Measure

/// `antiphon bench kernels`
struct BenchKernels: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels",
    abstract: "Time products with weights in every form, compared with the speed of memory.",
    discussion: """
      Weights are read from memory that no cache holds, as a model's weights are. Every round measures reading alone and then \
      each product, so that a busy machine slows all of them alike; medians are printed. ANTIPHON_ISA chooses another \
      instruction set: plain, avx2, avx512 or dotprod.

      Example:
        antiphon bench kernels --rows 11264 --depth 4096 --columns 1,4,16
      """)

  @Option(help: "Outputs of the matrix.")
  var rows = 11264

  @Option(help: "Inputs of the matrix, a multiple of 32.")
  var depth = 4096

  @Option(
    help: "Columns, the inputs that one pass over the weights serves: one or more numbers, with commas.")
  var columns = "1,4,16"

  @Option(help: "Rounds to measure.")
  var rounds = 9

  @Option(help: "Threads that share a product.")
  var threads = Threads.usual

  @Flag(help: "Print the result as JSON.")
  var json = false

  private var counts: [Int] { columns.split(separator: ",").compactMap { Int($0) } }

  func validate() throws {
    try Threads.validate(threads)
    guard (1...1_000_000).contains(rows) else {
      throw ValidationError("--rows takes a number from 1 to 1000000.")
    }
    guard depth >= 32, QuantizedBlocks.fits(columns: depth) else {
      throw ValidationError("--depth takes a multiple of 32, up to 32768.")
    }
    guard !counts.isEmpty, counts.count == columns.split(separator: ",").count,
      counts.allSatisfy({ (1...64).contains($0) })
    else {
      throw ValidationError("--columns takes numbers from 1 to 64 with commas between them, such as 1,4,16.")
    }
    guard (1...1000).contains(rounds) else {
      throw ValidationError("--rounds takes a number from 1 to 1000.")
    }
  }

  mutating func run() throws {
    let result = KernelTimes(
      rows: rows, depth: depth, columns: counts, rounds: rounds, threads: threads
    ).measure()
    Terminal.print(json ? try JSON.text(result, isPretty: true) : result.text)
  }
}
