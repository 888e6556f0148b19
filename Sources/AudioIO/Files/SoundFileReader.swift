import CSndfile
import Glibc
import Synchronization

/// Reads a sound file of any common format, rate and channel count as mono sound at one rate.
///
/// Channels are averaged; the rate is changed by a streaming resampler. `-` is raw signed 16-bit
/// little-endian mono sound at the working rate on standard input.
public final class SoundFileReader: AudioSource, @unchecked Sendable {
  /// The rates that are accepted, in Hz.
  public static let rates = 4_000...384_000
  /// Channel counts that are accepted.
  public static let channelCounts = 1...1024

  /// Samples beyond this are not sound in any scale; they would only become infinite further on.
  static let largestSample: Float = 1e6
  /// libsndfile keeps the reason of a failed open in one place for the whole process.
  static let opening = Mutex(())

  /// Path of the file; `-` is standard input.
  public let path: String
  /// Sample rate of the file, in Hz.
  public let fileRate: Int
  /// Channel count of the file.
  public let channels: Int
  public let duration: Double?
  public private(set) var invalidSamples = 0
  public private(set) var failure: (any Error)?

  private let handle: OpaquePointer
  private let resampler: Resampler?
  private let blockFrames: Int
  private var interleaved: [Float]  // (blockFrames, channels)
  private var mono: [Float]  // (blockFrames)
  private var next = 0  // the first sample of `mono` that was not handed on
  private var count = 0  // samples in `mono`
  private var framesRead = 0
  private var isAtEnd = false

  /// Opens `path` and reads its first block.
  ///
  /// - Parameter sampleRate: the rate of the sound handed out, in Hz.
  public static func open(
    _ path: String, sampleRate: Int = AudioFrame.sampleRate
  ) throws(SoundFileError) -> SoundFileReader {
    try open(path, sampleRate: sampleRate, standardInput: STDIN_FILENO)
  }

  /// `standardInput` is what `-` stands for.
  static func open(
    _ path: String, sampleRate: Int = AudioFrame.sampleRate, standardInput: Int32
  ) throws(SoundFileError) -> SoundFileReader {
    let (handle, info) = try openHandle(path, sampleRate, standardInput)
    let reader = SoundFileReader(path, handle, info, sampleRate)
    // Nothing but silence comes of a damaged or empty file: find out now, not in the middle of the work.
    reader.fillBlock()
    if let failure = reader.failure as? SoundFileError { throw failure }
    if reader.count == 0 { throw .empty(path: path) }
    return reader
  }

  private init(_ path: String, _ handle: OpaquePointer, _ info: SF_INFO, _ sampleRate: Int) {
    self.path = path
    self.handle = handle
    fileRate = Int(info.samplerate)
    channels = Int(info.channels)
    // A stream without a length says 0 or the largest number there is.
    let isLengthKnown = info.frames > 0 && info.frames < Int64.max / 2 && path != "-"
    duration = isLengthKnown ? Double(info.frames) / Double(info.samplerate) : nil
    resampler =
      fileRate == sampleRate ? nil : Resampler(from: Double(fileRate), to: Double(sampleRate))
    // A pipe is read in small blocks, so that sound that comes live is not held back.
    blockFrames = path == "-" ? 480 : 4096
    interleaved = [Float](repeating: 0, count: blockFrames * channels)
    mono = [Float](repeating: 0, count: blockFrames)
  }

  deinit {
    sf_close(handle)
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

  /// At least one sample, or 0 at the end.
  private func readSome(into output: UnsafeMutableBufferPointer<Float>) -> Int {
    while true {
      if next == count, !isAtEnd { fillBlock() }
      guard next < count else { return resampler?.drain(into: output) ?? 0 }
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
    let frames = interleaved.withUnsafeMutableBufferPointer {
      Int(sf_readf_float(handle, $0.baseAddress!, sf_count_t(blockFrames)))
    }
    next = 0
    count = max(frames, 0)
    framesRead += count
    if count < blockFrames {
      isAtEnd = true
      if sf_error(handle) != 0 {
        failure = SoundFileError.damaged(
          path: path, seconds: Double(framesRead) / Double(fileRate),
          reason: String(cString: sf_strerror(handle)))
      }
    }
    mixDown()
  }

  private func mixDown() {
    let scale = 1 / Float(channels)
    for index in 0..<count {
      var sum: Float = 0
      for channel in 0..<channels {
        let sample = interleaved[index * channels + channel]
        // The comparison is false for NaN as well.
        if abs(sample) <= Self.largestSample { sum += sample } else { invalidSamples += 1 }
      }
      mono[index] = sum * scale
    }
  }
}
