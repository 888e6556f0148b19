import ArgumentParser
import AudioIO
import Codec
import Latency
import Runtime

/// `antiphon decode`
struct Decode: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Decode codes to a sound file.",
    discussion: """
      The codec must be the one that made the codes.

      Example:
        antiphon decode speech.codes again.wav
      """)

  @Argument(help: "The codes file, or - for standard input.")
  var input: String

  @Argument(
    help:
      "The sound file to write: .wav, .flac, .ogg, .opus or .mp3; or - for raw samples on standard output.")
  var output: String

  @OptionGroup var codec: CodecOptions
  @OptionGroup var replacing: OutputOptions

  @Flag(help: "Print the metadata of the codes file as JSON.")
  var json = false

  func validate() throws {
    if json && output == "-" {
      throw ValidationError("--json and an output of - both print to standard output.")
    }
  }

  mutating func run() throws {
    let file = try CodesFile(input)
    let codec = try open(file)
    let sink = try SoundFileWriter.create(
      output, sampleRate: codec.configuration.sampleRate, overwrite: replacing.overwrite, input: input)
    Interruption.watch()
    decode(file, with: codec, to: sink)
    try sink.finish()
    if json { Terminal.print(try CodesView(file, withCodes: false).json) }
    try EarlyEnd.check(path: output, seconds: sink.seconds)
  }

  /// The codes file as messages name it.
  private var name: String { input == "-" ? CodesFile.standardInput : input }

  /// The codec, after checking that it can decode these codes.
  private func open(_ file: CodesFile) throws -> Codec {
    let available = try codec.open(codebooks: 1)
    guard file.codebooks <= available.configuration.availableCodebooks else {
      throw CommandError.tooManyCodebooks(
        path: name, found: file.codebooks, available: available.configuration.availableCodebooks)
    }
    if let made = file.codec, made != available.digest {
      throw CommandError.anotherCodec(
        path: name, codec: available.path, expected: made, found: available.digest)
    }
    let cardinality = available.configuration.cardinality
    for (index, code) in file.codes.enumerated() where !(0..<cardinality).contains(Int(code)) {
      throw CommandError.codeOutOfRange(
        path: name, frame: index % file.frames, codebook: index / file.frames, found: Int(code),
        cardinality: cardinality)
    }
    return try codec.open(codebooks: file.codebooks)
  }

  private func decode(_ file: CodesFile, with codec: Codec, to sink: SoundFileWriter) {
    let length = codec.configuration.samplesPerFrame
    let total = min(file.samples ?? .max, file.frames * length)
    var frame = [Float](repeating: 0, count: length)
    var state = codec.makeDecoderState()
    var progress = Progress(total: Double(total) / Double(file.sampleRate))
    var done = 0
    for index in 0..<file.frames where done < total {
      if Interruption.isRequested { break }
      var span = frame.mutableSpan
      codec.decode(file.frame(index).span, into: &span, &state)
      guard sink.write(frame.span.extracting(first: min(length, total - done))) else { break }
      done += length
      progress.show(sink.seconds)
    }
    progress.clear()
  }
}
