internal import Base
import CSndfile
import Glibc

/// A file descriptor that libsndfile writes through, so that no failed write goes unnoticed: some of its encoders do
/// not check what their writes return.
final class SoundOutput {
  let descriptor: Int32
  /// The error number of the first write that failed; 0 while all is well.
  private(set) var failure: Int32 = 0
  /// Length of the file so far.
  private(set) var bytes = 0
  private var position = 0
  private let isSeekable: Bool

  /// Takes ownership of the descriptor; `close` closes it.
  init(descriptor: Int32) {
    self.descriptor = descriptor
    isSeekable = lseek(descriptor, 0, SEEK_CUR) >= 0
  }

  /// Returns 0, or the error number of the first operation that failed.
  func close() -> Int32 {
    if Glibc.close(descriptor) != 0, failure == 0 { failure = errno }
    return failure
  }

  private func write(_ data: UnsafeRawPointer, _ count: Int) -> Int {
    let written = OutputFile.write(UnsafeRawBufferPointer(start: data, count: count), to: descriptor)
    if failure == 0 { failure = written.code }
    position += written.bytes
    bytes = max(bytes, position)
    return written.bytes
  }

  private func seek(_ offset: Int, _ whence: Int32) -> Int {
    // A pipe cannot seek; the raw format never needs it to.
    if isSeekable { position = max(Int(lseek(descriptor, offset, whence)), 0) }
    return position
  }

  /// The table of functions to open a libsndfile handle with; its user data is `self`, not retained.
  static func makeInterface() -> SF_VIRTUAL_IO {
    SF_VIRTUAL_IO(
      get_filelen: { sf_count_t(SoundOutput.from($0).bytes) },
      seek: { sf_count_t(SoundOutput.from($2).seek(Int($0), $1)) },
      read: { _, _, _ in 0 },
      write: { sf_count_t(SoundOutput.from($2).write($0!, Int($1))) },
      tell: { sf_count_t(SoundOutput.from($0).position) })
  }

  private static func from(_ userData: UnsafeMutableRawPointer?) -> SoundOutput {
    Unmanaged<SoundOutput>.fromOpaque(userData!).takeUnretainedValue()
  }
}
