internal import AudioIO
internal import Base
package import Codec
package import Latency

/// Measures encoding and decoding, frame by frame.
package struct CodecBench {
  private let codec: Codec
  private let exact: Codec?
  private let frames: SoundFrames
  private let pace: BenchRun.Pace

  /// - Parameters:
  ///   - exact: the same codec in f32, to count the codes that agree.
  ///   - sound: a sound file; nil for a tone.
  package init(_ codec: Codec, exact: Codec?, sound: String?, _ pace: BenchRun.Pace) throws {
    self.codec = codec
    self.exact = exact
    self.pace = pace
    frames =
      try sound.map { try SoundFrames($0, codec.configuration) } ?? .tone(codec.configuration)
  }

  /// Runs every frame.
  ///
  /// - Returns: the times, the number of codes that equal those of `exact`, and the number of all codes.
  package func run(
    threads: Int, version: String
  ) throws -> (LatencySummary, codes: (equal: Int, all: Int)?) {
    let configuration = codec.configuration
    let frameTime = Int64(configuration.samplesPerFrame) * 1_000_000 / Int64(configuration.sampleRate)
    var frame = [Float](repeating: 0, count: configuration.samplesPerFrame)
    var codes = [Int32](repeating: 0, count: configuration.codebooks)
    var others = codes
    var (equal, all) = (0, 0)
    var encoder = codec.makeEncoderState()
    var decoder = codec.makeDecoderState()
    var exactEncoder = (exact ?? codec).makeEncoderState()
    let bytes = codec.bytesPerFrame
    var bench = BenchRun(
      pace, frameTime: frameTime, model: codec.path, threads: threads, version: version)
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
    return (summary, all > 0 ? (equal, all) : nil)
  }

  /// Median time to encode and decode a frame, in milliseconds, over a few consecutive frames.
  package static func milliseconds(of codec: Codec) -> Double {
    var frame = [Float](repeating: 0.01, count: codec.configuration.samplesPerFrame)
    var codes = [Int32](repeating: 0, count: codec.configuration.codebooks)
    var encoder = codec.makeEncoderState()
    var decoder = codec.makeDecoderState()
    let times = (0..<9).map { _ in
      let start = MonotonicClock.microseconds
      var coded = codes.mutableSpan
      codec.encode(frame.span, into: &coded, &encoder)
      var decoded = frame.mutableSpan
      codec.decode(codes.span, into: &decoded, &decoder)
      return Double(MonotonicClock.microseconds - start) / 1000
    }
    return Statistics.median(times)
  }
}

/// The frames that are encoded, repeated from the start.
private struct SoundFrames {
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
    if let failure = source.failure { throw failure }
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
