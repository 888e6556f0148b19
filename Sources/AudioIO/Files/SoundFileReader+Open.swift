internal import Base
import CSndfile
import Glibc

extension SoundFileReader {
  /// The bytes of a file or of standard input, and the streams among them.
  static func findLinks(
    _ path: String, _ sampleRate: Int, _ standardInput: Int32
  ) throws(SoundFileError) -> (SoundBytes, [SoundLink]) {
    if path == "-" {
      let bytes = SoundBytes(descriptor: standardInput, isOwned: false)
      return (bytes, try links(of: bytes, path, isRawAllowed: true, sampleRate))
    }
    try checkReadable(path)
    let descriptor = FileSystem.open(path, O_RDONLY)
    guard descriptor >= 0 else { throw .unreadable(path: path, errno: errno) }
    let bytes = SoundBytes(descriptor: descriptor, isOwned: true)
    return (bytes, try links(of: bytes, path, isRawAllowed: false, sampleRate))
  }

  private static func links(
    of bytes: SoundBytes, _ path: String, isRawAllowed: Bool, _ sampleRate: Int
  ) throws(SoundFileError) -> [SoundLink] {
    let container = SoundContainer.find(bytes.peek)
    if bytes.failure != 0 { throw .unreadable(path: path, errno: bytes.failure) }
    if bytes.peek(1).isEmpty { throw .empty(path: path) }
    if isRawAllowed, container == nil {
      var raw = SoundLink(start: 0, end: bytes.count)
      raw.plain = SoundLink.Plain(
        encoding: Int32(SF_FORMAT_PCM_16 | SF_ENDIAN_LITTLE), channels: 1, rate: sampleRate, positions: nil)
      return [raw]
    }
    if bytes.count == nil {
      // Live sound is passed on at once if its format allows that.
      if let container, let link = SoundLinks.live(container, bytes) { return [link] }
      // A device may deliver zeros forever.
      guard container != nil else { throw .notASoundFile(path: path, reason: "Format not recognised.") }
      try bytes.store()
      if bytes.failure != 0 { throw .unreadable(path: path, errno: bytes.failure) }
    }
    return SoundLinks.find(in: bytes)
  }

  /// Finds what libsndfile would call an unknown format or a system error.
  private static func checkReadable(_ path: String) throws(SoundFileError) {
    guard let status = FileSystem.status(path) else {
      let code = errno
      throw code == ENOENT || code == ENOTDIR ? .notFound(path: path) : .unreadable(path: path, errno: code)
    }
    if status.st_mode & S_IFMT == S_IFDIR { throw .isDirectory(path: path) }
    if !FileSystem.may(R_OK, path) { throw .unreadable(path: path, errno: errno) }
    if status.st_mode & S_IFMT == S_IFREG, status.st_size == 0 { throw .empty(path: path) }
  }
}
