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
      Frames are a tone, or those of a sound file, again from its start where it ends. With weights in f16 and a sound \
      file, its codes are counted against those of f32.

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
    let configuration = codec.configuration
    let frames = try sound.map { try SoundFrames($0, configuration) } ?? .tone(configuration)
    let frameTime = Int64(configuration.samplesPerFrame) * 1_000_000 / Int64(configuration.sampleRate)
    var frame = [Float](repeating: 0, count: configuration.samplesPerFrame)
    var codes = [Int32](repeating: 0, count: configuration.codebooks)
    var others = codes
    var (equal, all) = (0, 0)
    var encoder = codec.makeEncoderState()
    var decoder = codec.makeDecoderState()
    var exactEncoder = (exact ?? codec).makeEncoderState()
    Interruption.watch()
    var bench = BenchRun(options, frameTime: frameTime, model: codec.path, threads: self.codec.threads)
    let bytes = codec.bytesPerFrame
    var summary = bench.run { record, clock in
      let heard = frames[Int(record.frame ?? 0)]
      record.encodeStart = clock.now()
      var coded = codes.mutableSpan
      codec.encode(heard.span, into: &coded, &encoder)
      record.encodeEnd = clock.now()
      // There is no model between the two: decoding starts where encoding ends.
      record.depthEnd = record.encodeEnd
      var decoded = frame.mutableSpan
      codec.decode(codes.span, into: &decoded, &decoder)
      record.decodeEnd = clock.now()
      record.weightBytes = Int64(bytes.encode + bytes.decode)
      guard let exact else { return }
      var wanted = others.mutableSpan
      exact.encode(heard.span, into: &wanted, &exactEncoder)
      equal += zip(codes, others).count { $0 == $1 }
      all += codes.count
    }
    summary.run["codec_weights"] = codec.weights.rawValue
    var text = LatencyText.bench(summary)
    if all > 0 {
      let share = Figures.fixed(100 * Double(equal) / Double(all), 2)
      summary.run["codes_equal_percent"] = share
      text += "\n\n\(share) % of \(all) codes are those of f32"
    }
    Terminal.print(options.json ? summary.json : text)
  }
}

/// The frames that are encoded, again from the start.
struct SoundFrames {
  private let frames: [[Float]]

  /// A whole sound file.
  init(_ path: String, _ configuration: CodecConfiguration) throws {
    let source = try SoundFileReader.open(path, sampleRate: configuration.sampleRate)
    var frames: [[Float]] = []
    while true {
      var frame = [Float](repeating: 0, count: configuration.samplesPerFrame)
      var samples = frame.mutableSpan
      if source.read(into: &samples) == 0 { break }
      frames.append(frame)
    }
    try Ending.check(
      source, path: path,
      seconds: Double(frames.count * configuration.samplesPerFrame) / Double(configuration.sampleRate))
    self.frames = frames
  }

  private init(frames: [[Float]]) { self.frames = frames }

  /// Two seconds of a tone.
  static func tone(_ configuration: CodecConfiguration) -> SoundFrames {
    let tone = ToneSource(frequency: 220)
    return SoundFrames(
      frames: (0..<25).map { _ in
        var frame = [Float](repeating: 0, count: configuration.samplesPerFrame)
        var samples = frame.mutableSpan
        _ = tone.read(into: &samples)
        return frame
      })
  }

  subscript(frame: Int) -> [Float] { frames[frame % max(frames.count, 1)] }
}
