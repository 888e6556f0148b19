internal import Base
import CSndfile
import Glibc

/// Writes a sound file as the sound is made; an interrupted run leaves what was written so far.
///
/// The extension determines the format. `-` is raw signed 16-bit little-endian sound on standard output.
/// Samples are clipped to [-1, 1], except in `wavFloat`; samples that are not numbers become 0.
public final class SoundFileWriter: AudioSink, @unchecked Sendable {
  /// Path of the file; `-` is standard output.
  public let path: String
  /// Channels of the file: 1 or 2.
  public let channels: Int
  /// Samples per second and channel.
  public let sampleRate: Int
  /// How many samples were outside [-1, 1], or not numbers.
  public private(set) var clippedSamples = 0
  /// Why writing stopped; nil while it goes on.
  public private(set) var failure: (any Error)?

  private let output: SoundOutput
  private let isClipping: Bool
  /// An existing file stays until the new one is complete.
  private var replacement: FileReplacement?
  private var handle: OpaquePointer?
  private var block: [Float]  // (blockFrames, channels)
  private var framesWritten = 0
  private static let blockFrames = 1920

  /// Creates `path`.
  ///
  /// - Parameters:
  ///   - path: of the file; `-` is standard output.
  ///   - channels: 1 or 2.
  ///   - sampleRate: samples per second and channel, 4000 to 384000.
  ///   - format: overrides the format that the extension names.
  ///   - overwrite: whether an existing file is replaced.
  ///   - input: the file that is being read meanwhile; it is never replaced.
  /// - Throws: `badArgument` if `channels` or `sampleRate` is out of range, and what the system refuses.
  public static func create(
    _ path: String, channels: Int = 1, sampleRate: Int = AudioFrame.sampleRate,
    format: SoundFileFormat? = nil, overwrite: Bool = false, input: String? = nil
  ) throws(SoundFileError) -> SoundFileWriter {
    guard 1...2 ~= channels else {
      throw .badArgument(path: path, name: "channels", expected: "1 or 2", found: "\(channels)")
    }
    guard 4_000...384_000 ~= sampleRate else {
      throw .badArgument(
        path: path, name: "sampleRate", expected: "a number from 4000 to 384000", found: "\(sampleRate)")
    }
    guard let format = format ?? SoundFileFormat(path: path) else {
      throw .unknownExtension(path: path, known: SoundFileFormat.extensions)
    }
    let (descriptor, replacement) = try openDescriptor(path, overwrite, input)
    let writer = try SoundFileWriter.wrap(descriptor, path, channels, sampleRate, format)
    writer.replacement = replacement
    return writer
  }

  /// Writes to an open descriptor, and closes it at the end.
  static func wrap(
    _ descriptor: Int32, _ path: String, _ channels: Int, _ sampleRate: Int, _ format: SoundFileFormat
  ) throws(SoundFileError) -> SoundFileWriter {
    let output = SoundOutput(descriptor: descriptor)
    var info = SF_INFO()
    info.format = format.code
    info.channels = Int32(channels)
    info.samplerate = Int32(sampleRate)
    var interface = SoundOutput.makeInterface()
    let userData = Unmanaged.passUnretained(output).toOpaque()
    let opened = sf_open_virtual(&interface, Int32(SFM_WRITE), &info, userData)
    guard let handle = opened, output.failure == 0 else {
      // Opened, but the header could not be written.
      if let opened { sf_close(opened) }
      let code = output.close()
      throw .cannotCreate(path: path, errno: code == 0 ? EINVAL : code)
    }
    // Only a WAV header states the length of what follows. In an Ogg file a second header would break the stream.
    if format == .wav || format == .wavFloat {
      sf_command(handle, Int32(SFC_SET_UPDATE_HEADER_AUTO), nil, Int32(SF_TRUE))
    }
    // Until the length is written at the end, readers infer it from the size of the first packets.
    if format == .mp3 {
      var mode = Int32(SF_BITRATE_MODE_AVERAGE)
      sf_command(handle, Int32(SFC_SET_BITRATE_MODE), &mode, Int32(MemoryLayout.size(ofValue: mode)))
    }
    return SoundFileWriter(path, handle, output, channels, sampleRate, isClipping: format != .wavFloat)
  }

  private init(
    _ path: String, _ handle: OpaquePointer, _ output: SoundOutput, _ channels: Int, _ sampleRate: Int,
    isClipping: Bool
  ) {
    self.path = path
    self.handle = handle
    self.output = output
    self.channels = channels
    self.sampleRate = sampleRate
    self.isClipping = isClipping
    block = [Float](repeating: 0, count: Self.blockFrames * channels)
  }

  deinit {
    if let handle {
      sf_close(handle)
      if output.close() == 0, failure == nil { _ = replacement?.take() }
    }
  }

  /// How much sound was written, in seconds.
  public var seconds: Double { Double(framesWritten) / Double(sampleRate) }

  /// In a file with two channels, both get the same samples.
  @discardableResult
  public func write(_ frame: Span<Float>) -> Bool {
    write(left: frame, right: frame)
  }

  /// Writes `count` samples of each channel, or their mean if the file has one channel; false once writing has stopped.
  @discardableResult
  public func write(left: Span<Float>, right: Span<Float>) -> Bool {
    precondition(left.count == right.count)
    var start = 0
    while start < left.count, failure == nil {
      let end = min(start + Self.blockFrames, left.count)
      for index in start..<end {
        if channels == 2 {
          block[2 * (index - start)] = admit(left[index])
          block[2 * (index - start) + 1] = admit(right[index])
        } else {
          block[index - start] = admit((left[index] + right[index]) * 0.5)
        }
      }
      writeBlock(end - start)
      start = end
    }
    return failure == nil
  }

  /// Completes and closes the file; a second call does nothing.
  ///
  /// - Throws: `failure`, if there is one.
  public func finish() throws(SoundFileError) {
    guard let handle else { return }
    sf_close(handle)
    self.handle = nil
    if output.close() != 0, failure == nil { fail() }
    if failure == nil, let code = replacement?.take(), code != 0 {
      failure = SoundFileError.writeFailed(path: path, errno: code, seconds: 0, bytes: 0)
    }
    if failure != nil { replacement?.drop() }
    if let failure = failure as? SoundFileError { throw failure }
  }

  /// Closes the file and takes it back: a new one is removed, and one that was to be replaced stays.
  package func discard() {
    guard let handle else { return }
    sf_close(handle)
    self.handle = nil
    _ = output.close()
    if let replacement { replacement.drop() } else if FileSystem.isRegular(path) { FileSystem.remove(path) }
  }

  private func admit(_ sample: Float) -> Float {
    if abs(sample) <= 1 { return sample }
    clippedSamples += 1
    if !sample.isFinite { return 0 }
    return isClipping ? max(-1, min(1, sample)) : sample
  }

  private func writeBlock(_ frames: Int) {
    guard let handle else {
      // The file is complete; anything more is refused.
      failure = SoundFileError.writeFailed(path: path, errno: EBADF, seconds: seconds, bytes: output.bytes)
      return
    }
    let written = block.withUnsafeBufferPointer {
      sf_writef_float(handle, $0.baseAddress!, sf_count_t(frames))
    }
    framesWritten += max(Int(written), 0)
    if written < frames || output.failure != 0 { fail() }
  }

  private func fail() {
    // An unfinished replacement is discarded: the old file is worth more.
    let isKept = replacement == nil
    failure = SoundFileError.writeFailed(
      path: path, errno: output.failure == 0 ? EIO : output.failure, seconds: isKept ? seconds : 0,
      bytes: isKept ? output.bytes : 0)
  }

  private static func openDescriptor(
    _ path: String, _ overwrite: Bool, _ input: String?
  ) throws(SoundFileError) -> (Int32, FileReplacement?) {
    if path == "-" {
      let descriptor = dup(STDOUT_FILENO)
      if descriptor < 0 { throw .cannotCreate(path: path, errno: errno) }
      return (descriptor, nil)
    }
    let status = FileSystem.status(path) ?? stat()
    if status.st_mode != 0 {
      if let input, FileSystem.areSame(input, path) { throw .outputIsInput(path: path) }
      if status.st_mode & S_IFMT == S_IFDIR { throw .isDirectory(path: path) }
      if !overwrite, status.st_mode & S_IFMT == S_IFREG { throw .outputExists(path: path) }
    }
    if overwrite, status.st_mode & S_IFMT == S_IFREG {
      do throws(FileError) {
        if let replacement = try FileReplacement(path) { return (replacement.descriptor, replacement) }
      } catch { throw .cannotCreate(path: path, errno: error.code) }
    }
    // Exclusive, so that a file created in the meantime is not lost either.
    let isDevice = status.st_mode != 0 && status.st_mode & S_IFMT != S_IFREG
    let mode = isDevice ? 0 : overwrite ? O_TRUNC : O_EXCL
    let descriptor = FileSystem.open(path, O_WRONLY | O_CREAT | mode)
    guard descriptor >= 0 else {
      throw errno == EEXIST ? .outputExists(path: path) : .cannotCreate(path: path, errno: errno)
    }
    return (descriptor, nil)
  }
}
