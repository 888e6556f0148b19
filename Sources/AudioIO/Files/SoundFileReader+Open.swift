import CSndfile
import Glibc
import Synchronization

extension SoundFileReader {
  static func openHandle(
    _ path: String, _ sampleRate: Int, _ standardInput: Int32
  ) throws(SoundFileError) -> (OpaquePointer, SF_INFO) {
    var info = SF_INFO()
    if path == "-" {
      info.format = SoundFileFormat.raw.code
      info.channels = 1
      info.samplerate = Int32(sampleRate)
      guard let handle = sf_open_fd(standardInput, Int32(SFM_READ), &info, 0) else {
        throw .empty(path: path)
      }
      return (handle, info)
    }

    try checkReadable(path)
    var reason = ""
    let handle = opening.withLock { _ in
      let handle = sf_open(path, Int32(SFM_READ), &info)
      if handle == nil { reason = String(cString: sf_strerror(nil)) }
      return handle
    }
    guard let handle else { throw refusal(path, reason) }
    guard rates.contains(Int(info.samplerate)) else {
      sf_close(handle)
      throw rateError(path, Int(info.samplerate))
    }
    return (handle, info)
  }

  /// Finds what libsndfile would call an unknown format or a system error.
  private static func checkReadable(_ path: String) throws(SoundFileError) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      let code = errno
      throw code == ENOENT || code == ENOTDIR ? .notFound(path: path) : .unreadable(path: path, errno: code)
    }
    if status.st_mode & S_IFMT == S_IFDIR { throw .isDirectory(path: path) }
    if access(path, R_OK) != 0 { throw .unreadable(path: path, errno: errno) }
    if status.st_mode & S_IFMT == S_IFREG, status.st_size == 0 { throw .empty(path: path) }
  }

  /// The error for a file that libsndfile refused. Its reasons for a WAV header with an impossible channel
  /// count or rate are not part of its interface, so the header is read again.
  private static func refusal(_ path: String, _ reason: String) -> SoundFileError {
    var header = [UInt8](repeating: 0, count: 28)
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    defer { close(descriptor) }
    guard descriptor >= 0, Glibc.read(descriptor, &header, header.count) == header.count,
      header[0..<4].elementsEqual("RIFF".utf8), header[8..<16].elementsEqual("WAVEfmt ".utf8)
    else { return .notASoundFile(path: path, reason: reason) }
    let channels = Int(header[22]) | Int(header[23]) << 8
    let rate = (0..<4).reduce(0) { $0 | Int(header[24 + $1]) << (8 * $1) }
    if !channelCounts.contains(channels) {
      return .unsupportedChannels(path: path, channels: channels, limit: channelCounts.upperBound)
    }
    if !rates.contains(rate) { return rateError(path, rate) }
    return .notASoundFile(path: path, reason: reason)
  }

  private static func rateError(_ path: String, _ rate: Int) -> SoundFileError {
    .unsupportedRate(path: path, rate: rate, lowest: rates.lowerBound, highest: rates.upperBound)
  }
}
