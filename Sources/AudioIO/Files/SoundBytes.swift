internal import Base
import CSndfile
import Glibc

/// The bytes of a sound file or of a pipe, readable at any offset.
///
/// A pipe is read in order. A caller that needs to read its end stores it first, in an unnamed temporary file.
final class SoundBytes {
  /// A longer pipe is not stored.
  static let storageLimit = 4 << 30

  private var descriptor: Int32
  private var isOwned: Bool
  /// Offset of the first byte in the descriptor: other programs may have read part of standard input.
  private var origin = 0
  /// Number of bytes; nil for a pipe that was not stored.
  private(set) var count: Int?
  /// Whether the bytes are those of a file that can be reopened by its name.
  let isFile: Bool
  /// The beginning of a pipe, which was read to recognize its format.
  private var beginning: [UInt8] = []
  private var taken = 0  // bytes of a pipe that have been read
  private var isAtEnd = false
  /// The error number of the read that failed; 0 while all is well.
  private(set) var failure: Int32 = 0

  /// - Parameter isOwned: whether the descriptor is closed with this object.
  init(descriptor: Int32, isOwned: Bool) {
    self.descriptor = descriptor
    self.isOwned = isOwned
    var status = stat()
    isFile = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    if isFile {
      origin = max(Int(lseek(descriptor, 0, SEEK_CUR)), 0)
      count = max(Int(status.st_size) - origin, 0)
    }
  }

  deinit {
    if isOwned { close(descriptor) }
  }

  /// Reads until `target` is full or the bytes end. A pipe is read in order, except for its beginning.
  func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) -> Int {
    guard count == nil else { return readFile(at: offset, into: target) }
    var done = 0
    while done < target.count {
      let place = offset + done
      let rest = UnsafeMutableRawBufferPointer(rebasing: target[done...])
      if place < beginning.count {
        let copied = min(rest.count, beginning.count - place)
        beginning.withUnsafeBytes { rest.copyMemory(from: .init(rebasing: $0[place..<place + copied])) }
        done += copied
      } else {
        guard place == taken, !isAtEnd, case let got = readPipe(into: rest), got > 0 else { break }
        done += got
      }
    }
    return done
  }

  /// The first `count` bytes, or as many as there are.
  func peek(_ count: Int) -> [UInt8] {
    if self.count == nil {
      var block = [UInt8](repeating: 0, count: max(count - beginning.count, 0))
      while beginning.count < count, !isAtEnd {
        let wanted = count - beginning.count
        let got = block.withUnsafeMutableBytes { readPipe(into: .init(rebasing: $0[..<wanted])) }
        beginning += block[..<got]
      }
      return Array(beginning.prefix(count))
    }
    return bytes(at: 0, count)
  }

  /// `count` bytes from `offset`, or as many as there are.
  func bytes(at offset: Int, _ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { target, made in
      made = read(at: offset, into: UnsafeMutableRawBufferPointer(target))
    }
  }

  /// Reads a pipe to its end into an unnamed temporary file, so that it can be read at any offset.
  func store() throws(SoundFileError) {
    guard count == nil else { return }
    guard let file = Self.makeStorage() else { throw .cannotStore(path: "-", errno: errno) }
    func append(_ bytes: UnsafeRawBufferPointer) -> Int32 { OutputFile.write(bytes, to: file).code }
    var code = beginning.withUnsafeBytes(append)
    var size = beginning.count
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
    defer { block.deallocate() }
    while code == 0, !isAtEnd {
      let got = readPipe(into: block)
      size += got
      code = size > Self.storageLimit ? EFBIG : append(.init(rebasing: block[..<got]))
    }
    guard code == 0 else {
      close(file)
      throw .cannotStore(path: "-", errno: code)
    }
    if isOwned { close(descriptor) }
    (descriptor, isOwned, origin, count) = (file, true, 0, size)
  }

  private func readFile(at offset: Int, into target: UnsafeMutableRawBufferPointer) -> Int {
    var done = 0
    while done < target.count {
      let got = pread(
        descriptor, target.baseAddress! + done, target.count - done, off_t(origin + offset + done))
      if got < 0 && errno == EINTR { continue }
      if got < 0 { failure = errno }
      guard got > 0 else { break }
      done += got
    }
    return done
  }

  /// At least one byte, or 0 at the end.
  private func readPipe(into target: UnsafeMutableRawBufferPointer) -> Int {
    while true {
      let got = Glibc.read(descriptor, target.baseAddress, target.count)
      if got > 0 {
        taken += got
        return got
      }
      if got < 0 && errno == EINTR { continue }
      if got < 0 && errno == EAGAIN {
        // Another program made the pipe non-blocking.
        usleep(2000)
        continue
      }
      if got < 0 { failure = errno }
      isAtEnd = true
      return 0
    }
  }

  private static func makeStorage() -> Int32? {
    var name = FileSystem.bytes(of: (FileSystem.variable("TMPDIR") ?? "/tmp") + "/antiphon-XXXXXX")
    let descriptor = mkstemp(&name)
    guard descriptor >= 0 else { return nil }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    unlink(name)
    return descriptor
  }
}

/// A range of the bytes, which libsndfile reads as a file of its own.
final class SoundWindow {
  private let bytes: SoundBytes
  private let range: Range<Int>
  /// Bytes to substitute for those in the file.
  private let patch: SoundLink.Patch?
  private var position = 0

  /// The window of a pipe ends at an offset that is never reached.
  init(_ bytes: SoundBytes, _ link: SoundLink) {
    self.bytes = bytes
    range = link.start..<(link.end ?? Int.max / 4)
    patch = link.patch
  }

  private func read(into target: UnsafeMutableRawBufferPointer) -> Int {
    let wanted = min(target.count, max(range.count - position, 0))
    guard wanted > 0 else { return 0 }
    let place = range.lowerBound + position
    let got = bytes.read(at: place, into: .init(rebasing: target[..<wanted]))
    if let patch {
      for (index, byte) in patch.bytes.enumerated() where place..<place + got ~= patch.offset + index {
        target[patch.offset + index - place] = byte
      }
    }
    position += got
    return got
  }

  private func seek(_ offset: Int, _ whence: Int32) -> Int {
    switch whence {
    case SEEK_SET: position = offset
    case SEEK_CUR: position += offset
    default: position = range.count + offset
    }
    position = max(position, 0)
    return position
  }

  /// The table of functions to open a libsndfile handle with; its user data is `self`, not retained.
  static func makeInterface() -> SF_VIRTUAL_IO {
    SF_VIRTUAL_IO(
      get_filelen: { sf_count_t(SoundWindow.from($0).range.count) },
      seek: { sf_count_t(SoundWindow.from($2).seek(Int($0), $1)) },
      read: { data, count, window in
        sf_count_t(SoundWindow.from(window).read(into: .init(start: data, count: Int(count))))
      },
      write: { _, _, _ in 0 },
      tell: { sf_count_t(SoundWindow.from($0).position) })
  }

  private static func from(_ userData: UnsafeMutableRawPointer?) -> SoundWindow {
    Unmanaged<SoundWindow>.fromOpaque(userData!).takeUnretainedValue()
  }
}
