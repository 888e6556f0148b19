import ArgumentParser
import Base
import Codec
import Latency
import Measure
import Runtime

/// `antiphon bench codec`
struct BenchCodec: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "codec",
    abstract: "Time encoding and decoding.",
    discussion: """
      The sound is a tone, or a file that is repeated from its start when it ends. With weights in f16 and a sound file, \
      the codes that equal those of f32 weights are counted.

      Example:
        antiphon bench codec --codec mimi.safetensors --codebooks 8 --flat-out --json
        antiphon bench codec --weights f16 --sound speech.wav
      """)

  @OptionGroup var options: BenchOptions
  @OptionGroup var codec: CodecOptions

  @Option(help: "Codebooks to use.")
  var codebooks: Int?

  @Option(help: ArgumentHelp("Sound to encode.", valueName: "file"))
  var sound: String?

  mutating func run() throws {
    let codec = try codec.open(codebooks: codebooks)
    let exact =
      sound != nil && codec.weights != .f32
      ? try self.codec.open(codebooks: codebooks, weights: .f32) : nil
    Interruption.watch()
    var (summary, codes) = try CodecBench(codec, exact: exact, sound: sound, options.pace).run(
      threads: self.codec.threads, version: Antiphon.version)
    var text = LatencyText.bench(summary)
    if let codes {
      let share = NumberText.fixed(100 * Double(codes.equal) / Double(codes.all), 2)
      summary.run["codes_equal_percent"] = share
      text += "\n\n\(share) % of \(codes.all) codes are those of f32"
    }
    Terminal.print(options.json ? summary.json : text)
  }
}
