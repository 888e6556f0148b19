import CSndfile
import Glibc
import Synchronization

/// Reads a sound file of any common format, rate and channel count as mono sound at one rate.
///
/// Two channels are averaged, more are mixed by the positions of their loudspeakers (`Downmix`), or one is used alone.
/// The rate is changed by a streaming resampler. Streams that follow one another in a file are read one after another.
/// `-` is standard input: a sound file or, if it does not begin like one, raw signed 16-bit little-endian mono sound at
/// the working rate.
public final class SoundFileReader: AudioSource, @unchecked Sendable {
  /// The rates that are accepted, in Hz.
  public static let rates = 4_000...384_000
  /// Channel counts that are accepted.
  public static let channelCounts = 1...1024

  /// Samples beyond this are not sound at any scale; they would only become infinite further on.
  static let largestSample: Float = 1e6
  /// Samples of a block, over all channels.
  private static let mostSamples = 1 << 22
  /// libsndfile keeps the reason for a failed open in one place for the whole process.
  static let opening = Mutex(())

  /// Path of the file; `-` is standard input.
  public let path: String
  /// Sample rate of the file, in Hz; of its first stream where it has several.
  public let fileRate: Int
  /// Channel count of the file; of its first stream where it has several.
  public let channels: Int
  public let duration: Double?
  public private(set) var invalidSamples = 0
  public private(set) var failure: (any Error)?
  /// Remarks about the sound that has been read so far.
  public private(set) var remarks: [SoundRemark] = []

  private let bytes: SoundBytes
  private let links: [SoundLink]
  private let sampleRate: Int
  private let channel: Int?
  private var linkIndex = 0
  private var decoder: SoundDecoder
  private var resampler: Resampler?
  private var downmix: Downmix
  private var blockFrames = 0
  private var interleaved: [Float] = []  // (blockFrames, channels)
  private var mono: [Float] = []  // (blockFrames)
  private var next = 0  // the first sample of `mono` that has not been returned yet
  private var count = 0  // samples in `mono`
  private var framesRead = 0  // of this stream
  private var secondsRead = 0.0  // of the streams before it
  private var cancelledSeconds = 0.0
  private var substitute: Int?
  private var isAtEnd = false  // of this stream

  /// Opens `path` and reads its first block.
  ///
  /// - Parameters:
  ///   - path: of the file; `-` is standard input.
  ///   - sampleRate: the rate of the sound handed out, in Hz.
  ///   - channel: the only channel to take, from 1; nil for a mix.
  public static func open(
    _ path: String, sampleRate: Int = AudioFrame.sampleRate, channel: Int? = nil
  ) throws(SoundFileError) -> SoundFileReader {
    try open(path, sampleRate: sampleRate, channel: channel, standardInput: STDIN_FILENO)
  }

  /// `standardInput` is the descriptor that `-` stands for.
  static func open(
    _ path: String, sampleRate: Int = AudioFrame.sampleRate, channel: Int? = nil, standardInput: Int32
  ) throws(SoundFileError) -> SoundFileReader {
    let (bytes, links) = try findLinks(path, sampleRate, standardInput)
    let reader = try SoundFileReader(path, bytes, links, sampleRate, channel)
    // A damaged or empty file yields only silence; it is reported here instead of in the middle of the work.
    reader.fillBlock()
    while reader.count == 0, reader.failure == nil, reader.openNext() { reader.fillBlock() }
    if let failure = reader.failure as? SoundFileError { throw failure }
    if reader.count == 0 { throw .empty(path: path) }
    return reader
  }

  private init(
    _ path: String, _ bytes: SoundBytes, _ links: [SoundLink], _ sampleRate: Int, _ channel: Int?
  ) throws(SoundFileError) {
    (self.path, self.bytes, self.links) = (path, bytes, links)
    (self.sampleRate, self.channel) = (sampleRate, channel)
    let decoder = try SoundDecoder(links[0], of: bytes, path: path)
    self.decoder = decoder
    (fileRate, channels) = (decoder.rate, decoder.channels)
    var duration = decoder.frames.map { Double($0) / Double(decoder.rate) }
    // The length is only for the progress line, which does not justify opening a very long chain twice.
    for link in links.dropFirst() {
      guard links.count <= 64, let next = try? SoundDecoder(link, of: bytes, path: path),
        let frames = next.frames
      else {
        duration = nil
        break
      }
      duration = duration.map { $0 + Double(frames) / Double(next.rate) }
    }
    self.duration = path == "-" ? nil : duration
    downmix = Downmix(channels: 1, rate: decoder.rate, positions: nil, chosen: nil)
    try prepare()
  }

  /// Makes the buffers and the resampler for the stream's rate and channels.
  private func prepare() throws(SoundFileError) {
    if let channel, !(1...decoder.channels).contains(channel) {
      throw .noChannel(path: path, channel: channel, channels: decoder.channels)
    }
    downmix = Downmix(
      channels: decoder.channels, rate: decoder.rate, positions: decoder.positions,
      chosen: channel.map { $0 - 1 })
    resampler =
      decoder.rate == sampleRate ? nil : Resampler(from: Double(decoder.rate), to: Double(sampleRate))
    // A pipe is read in small blocks, so that live sound is not held back. Whether channels cancel is judged over half
    // a second of them, or over what a small block holds: a header may claim a thousand channels.
    let isLive = links[linkIndex].end == nil || bytes.count == nil
    let half = min(decoder.rate / 2, Self.mostSamples / decoder.channels)
    blockFrames = isLive ? 480 : decoder.channels == 1 ? 4096 : max(4096, half)
    interleaved = [Float](repeating: 0, count: blockFrames * decoder.channels)
    mono = [Float](repeating: 0, count: blockFrames)
    (next, count, framesRead, isAtEnd) = (0, 0, 0, false)
  }

  /// Continues with the next stream; false if there is none, or if it cannot be read, which `failure` reports.
  private func openNext() -> Bool {
    guard failure == nil, linkIndex + 1 < links.count else { return false }
    linkIndex += 1
    secondsRead += Double(framesRead) / Double(decoder.rate)
    do {
      decoder = try SoundDecoder(links[linkIndex], of: bytes, path: path)
      try prepare()
      return true
    } catch .noChannel(let path, let channel, let channels) {
      failure = SoundFileError.noChannel(path: path, channel: channel, channels: channels)
    } catch .notASoundFile(_, let reason) {
      failure = SoundFileError.damaged(path: path, seconds: secondsRead, reason: reason)
    } catch {
      failure = SoundFileError.damaged(
        path: path, seconds: secondsRead, reason: "another stream follows that cannot be read")
    }
    linkIndex = links.count
    (next, count, resampler) = (0, 0, nil)
    return false
  }

  public func read(into frame: inout MutableSpan<Float>) -> Int {
    frame.withUnsafeMutableBufferPointer { frame in
      var filled = 0
      while filled < frame.count {
        let rest = UnsafeMutableBufferPointer(rebasing: frame[filled...])
        let made = readSome(into: rest)
        if made == 0 { break }
        filled += made
      }
      frame[filled...].update(repeating: 0)
      return filled
    }
  }

  /// Returns at least one sample, or 0 at the end.
  private func readSome(into output: UnsafeMutableBufferPointer<Float>) -> Int {
    while true {
      if next == count, !isAtEnd { fillBlock() }
      guard next < count else {
        if let made = resampler?.drain(into: output), made > 0 { return made }
        if openNext() { continue }
        return 0
      }
      let made = mono.withUnsafeBufferPointer { mono in
        let input = UnsafeBufferPointer(rebasing: mono[next..<count])
        if let resampler {
          let (used, made) = resampler.process(input, into: output)
          next += used
          return made
        }
        let copied = min(input.count, output.count)
        output.baseAddress!.update(from: input.baseAddress!, count: copied)
        next += copied
        return copied
      }
      if made > 0 { return made }
    }
  }

  private func fillBlock() {
    let channels = decoder.channels
    interleaved.withUnsafeMutableBufferPointer { sound in
      next = 0
      count = decoder.read(sound.baseAddress!, frames: blockFrames)
      // The comparison is false for NaN as well.
      for index in 0..<count * channels where !(abs(sound[index]) <= Self.largestSample) {
        sound[index] = 0
        invalidSamples += 1
      }
      let frames = count
      mono.withUnsafeMutableBufferPointer {
        downmix.mix(UnsafeBufferPointer(sound), frames: frames, into: $0)
      }
    }
    framesRead += count
    if count < blockFrames { end() }
  }

  /// Handles the end of the stream, whether complete or premature.
  private func end() {
    isAtEnd = true
    let seconds = Double(framesRead) / Double(decoder.rate)
    if bytes.failure != 0 {
      failure = SoundFileError.damaged(
        path: path, seconds: secondsRead + seconds, reason: String(cString: strerror(bytes.failure)))
    } else if let fault = decoder.fault {
      failure = SoundFileError.damaged(path: path, seconds: secondsRead + seconds, reason: fault)
    }
    noteCancelling()
    noteSize(seconds)
  }

  private func noteCancelling() {
    guard downmix.cancelled > 0 else { return }
    cancelledSeconds += Double(downmix.cancelled) / Double(decoder.rate)
    substitute = substitute ?? downmix.substitute
    remarks.removeAll { if case .cancelling = $0 { true } else { false } }
    remarks.append(.cancelling(channel: (substitute ?? 0) + 1, seconds: cancelledSeconds))
  }

  private func noteSize(_ seconds: Double) {
    guard failure == nil else { return }
    let link = links[linkIndex]
    switch link.remark {
    case .wrongSize(let said): remarks.append(.wrongSize(bytes: said))
    case .cut(let promised): remarks.append(.cut(seconds: secondsRead + seconds, promised: promised))
    case nil:
      if bytes.count == nil, let end = link.end, SoundLinks.hasMore(bytes, after: end) {
        remarks.append(.more(seconds: seconds))
      }
      // A tenth of a second is tolerated, because encoders pad.
      guard let frames = decoder.frames, frames > framesRead + decoder.rate / 10 else { return }
      remarks.append(
        .cut(seconds: secondsRead + seconds, promised: Double(frames) / Double(decoder.rate)))
    }
  }
}
