import ArgumentParser
import AudioIO
import Codec
import Runtime

/// `antiphon bench codec`
struct BenchCodec: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "codec",
    abstract: "Encode and decode.",
    discussion: """
      Example:
        antiphon bench codec --codec mimi.safetensors --codebooks 8 --flat-out --json
      """)

  @OptionGroup var options: BenchOptions
  @OptionGroup var codec: CodecOptions

  @Option(help: "Codebooks to use.")
  var codebooks: Int?

  @Option(help: "Form of the weights: f32 or bf16.")
  var weights = CodecWord.f32

  mutating func run() throws {
    let codec = try codec.open(codebooks: codebooks, weights: weights.weights)
    let configuration = codec.configuration
    let frameTime = Int64(configuration.samplesPerFrame) * 1_000_000 / Int64(configuration.sampleRate)
    var frame = [Float](repeating: 0, count: configuration.samplesPerFrame)
    var codes = [Int32](repeating: 0, count: configuration.codebooks)
    var encoder = codec.makeEncoderState()
    var decoder = codec.makeDecoderState()
    let tone = ToneSource(frequency: 220)
    Interruption.watch()
    var bench = BenchRun(options, frameTime: frameTime, model: codec.path, threads: self.codec.threads)
    let bytes = codec.bytesPerFrame
    let summary = bench.run { record, clock in
      var samples = frame.mutableSpan
      _ = tone.read(into: &samples)
      record.encodeStart = clock.now()
      var coded = codes.mutableSpan
      codec.encode(frame.span, into: &coded, &encoder)
      record.encodeEnd = clock.now()
      // There is no model between the two: decoding starts where encoding ends.
      record.depthEnd = record.encodeEnd
      var decoded = frame.mutableSpan
      codec.decode(codes.span, into: &decoded, &decoder)
      record.decodeEnd = clock.now()
      record.weightBytes = Int64(bytes.encode + bytes.decode)
    }
    Terminal.print(options.json ? summary.json : LatencyText.bench(summary))
  }
}
