import ArgumentParser
import AudioIO
import Codec
import Latency
import Runtime

/// `antiphon encode`
struct Encode: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Encode a sound file as codes.",
    discussion: """
      The codes file is a safetensors file with one tensor 'codes' (I32, codebooks by frames) and, as \
      metadata, the sample rate, the frame rate, the number of samples and the SHA-256 of the codec.

      Example:
        antiphon encode speech.wav speech.codes
        antiphon decode speech.codes again.wav
      """)

  @Argument(
    help:
      """
      A sound file: WAV, FLAC, Ogg, Opus or MP3. - reads one of these, or raw 16-bit mono samples, from standard input.
      """)
  var input: String

  @Argument(help: "The codes file, or - for standard output.")
  var output: String

  @OptionGroup var codec: CodecOptions
  @OptionGroup var sound: SoundOptions
  @OptionGroup var replacing: OutputOptions

  @Option(help: "Number of codebooks to use, from the first; more give better sound.")
  var codebooks: Int?

  @Flag(help: "Print the codes as JSON.")
  var json = false

  func validate() throws {
    if let codebooks, codebooks < 1 { throw ValidationError("--codebooks takes a number from 1.") }
    if json && output == "-" {
      throw ValidationError("--json and an output of - both print to standard output.")
    }
  }

  mutating func run() throws {
    try replacing.check(output, besides: input)
    let codec = try codec.open(codebooks: codebooks)
    let source = try sound.open(input, sampleRate: codec.configuration.sampleRate)
    Interruption.watch()
    let file = encode(source, with: codec)
    try file.write(to: output)
    if json { Terminal.print(try CodesView(file).json) }
    try EarlyEnd.check(source, path: output, seconds: Double(file.frames) / file.frameRate)
  }

  private func encode(_ source: SoundFileReader, with codec: Codec) -> CodesFile {
    let configuration = codec.configuration
    var frame = [Float](repeating: 0, count: configuration.samplesPerFrame)
    var codes = [Int32](repeating: 0, count: configuration.codebooks)
    var all: [Int32] = []
    var samples = 0
    var state = codec.makeEncoderState()
    var progress = Progress(total: source.duration)
    while !Interruption.isRequested {
      var samplesSpan = frame.mutableSpan
      let count = source.read(into: &samplesSpan)
      if count == 0 { break }
      var codesSpan = codes.mutableSpan
      codec.encode(frame.span, into: &codesSpan, &state)
      all += codes
      samples += count
      progress.show(Double(samples) / Double(configuration.sampleRate))
    }
    progress.clear()
    return CodesFile(
      frameCodes: all, codebooks: configuration.codebooks, sampleRate: configuration.sampleRate,
      frameRate: codec.frameRate, codec: codec.digest, samples: samples)
  }
}
