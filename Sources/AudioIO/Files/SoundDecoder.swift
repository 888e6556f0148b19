internal import Base
import CSndfile
import Glibc
import Synchronization

/// One stream of a sound file, as libsndfile decodes it.
final class SoundDecoder {
  let rate: Int
  let channels: Int
  /// Number of frames, if known.
  let frames: Int?
  let positions: [ChannelPosition]?
  private let handle: OpaquePointer
  /// libsndfile reads through it while the handle lives.
  private let window: SoundWindow?

  /// - Parameter path: the path for error messages.
  init(_ link: SoundLink, of bytes: SoundBytes, path: String) throws(SoundFileError) {
    var info = SF_INFO()
    if let plain = link.plain {
      info.format = Int32(SF_FORMAT_RAW) | plain.encoding
      info.channels = Int32(clamping: plain.channels)
      info.samplerate = Int32(clamping: plain.rate)
      try Self.check(path, channels: plain.channels, rate: plain.rate)
    }
    var reason = ""
    let isFile = link.isWhole && bytes.isFile && path != "-"
    let window = isFile ? nil : SoundWindow(bytes, link)
    let opened = SoundFileReader.opening.withLock { _ in
      var handle: OpaquePointer?
      if let window {
        var interface = SoundWindow.makeInterface()
        handle = sf_open_virtual(
          &interface, Int32(SFM_READ), &info, Unmanaged.passUnretained(window).toOpaque())
      } else {
        handle = sf_open(FileSystem.bytes(of: path), Int32(SFM_READ), &info)
      }
      if handle == nil { reason = String(cString: sf_strerror(nil)) }
      // A number may leave the lock's closure, a pointer may not.
      return UInt(bitPattern: handle)
    }
    guard let opened = OpaquePointer(bitPattern: opened) else {
      if bytes.failure != 0 { throw .unreadable(path: path, errno: bytes.failure) }
      throw Self.refusal(path, reason, bytes.bytes(at: link.start, 28))
    }
    handle = opened
    self.window = window
    (rate, channels) = (Int(info.samplerate), Int(info.channels))
    // A stream of unknown length reports 0 or the largest possible number.
    let isLengthKnown = info.frames > 0 && info.frames < Int64.max / 8 && link.end != nil
    frames = isLengthKnown ? Int(info.frames) : nil
    var map = [Int32](repeating: 0, count: max(channels, 1))
    let size = Int32(MemoryLayout<Int32>.stride * channels)
    if let known = link.plain?.positions {
      positions = known
    } else if link.plain == nil, sf_command(opened, Int32(SFC_GET_CHANNEL_MAP_INFO), &map, size) == SF_TRUE {
      positions = map.map(ChannelPosition.init)
    } else {
      let family = info.format & Int32(SF_FORMAT_TYPEMASK)
      positions = ChannelPosition.usual(channels, isVorbis: family == Int32(SF_FORMAT_OGG))
    }
    // All is set: what is thrown from here on runs `deinit`, which closes the handle.
    try Self.check(path, channels: channels, rate: rate)
  }

  deinit {
    sf_close(handle)
  }

  /// Reads frames into `sound`, (frames, channels); returns how many, fewer than requested only at the end.
  func read(_ sound: UnsafeMutablePointer<Float>, frames: Int) -> Int {
    max(Int(sf_readf_float(handle, sound, sf_count_t(frames))), 0)
  }

  /// Why reading stopped, if not at the end.
  var fault: String? {
    sf_error(handle) == 0 ? nil : String(cString: sf_strerror(handle))
  }

  private static func check(_ path: String, channels: Int, rate: Int) throws(SoundFileError) {
    guard SoundFileReader.channelCounts.contains(channels) else {
      throw .unsupportedChannels(
        path: path, channels: channels, limit: SoundFileReader.channelCounts.upperBound)
    }
    guard SoundFileReader.rates.contains(rate) else { throw rateError(path, rate) }
  }

  /// The error for a file that libsndfile refused. Its reasons for refusing a WAV header with an impossible channel
  /// count or rate are not part of its interface, so the header is read again.
  private static func refusal(_ path: String, _ reason: String, _ header: [UInt8]) -> SoundFileError {
    guard header.count == 28, header[0..<4].elementsEqual("RIFF".utf8),
      header[8..<16].elementsEqual("WAVEfmt ".utf8)
    else { return .notASoundFile(path: path, reason: reason) }
    do {
      try check(
        path, channels: WaveHeader.little(header, 22, 2), rate: WaveHeader.little(header, 24, 4))
    } catch { return error }
    return .notASoundFile(path: path, reason: reason)
  }

  private static func rateError(_ path: String, _ rate: Int) -> SoundFileError {
    .unsupportedRate(
      path: path, rate: rate, lowest: SoundFileReader.rates.lowerBound,
      highest: SoundFileReader.rates.upperBound)
  }
}
