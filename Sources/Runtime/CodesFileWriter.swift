internal import Glibc

/// Writes a codes file while the codes are made. After every `flush` the file is whole, so a killed process leaves one
/// that can be read.
///
/// The tensor is (frames, codebooks), with `order` = `frames` in the metadata: new frames come at the end. The header has
/// room for any number of them and is written again after the codes.
package struct CodesFileWriter: ~Copyable {
  /// Bytes of the length and the header together.
  private static let headerBytes = 512

  package let path: String
  package let codebooks: Int
  package private(set) var frames = 0
  private let metadata: String
  private let descriptor: Int32
  private var pending: [Int32] = []

  /// - Parameters:
  ///   - codec: SHA-256 of the codec that makes the codes.
  ///   - overwrite: whether a file that is there already is replaced.
  package init(
    _ path: String, codebooks: Int, sampleRate: Int, frameRate: Double, codec: String, overwrite: Bool
  ) throws(LatencyReportError) {
    precondition(codebooks > 0)
    self.path = path
    self.codebooks = codebooks
    metadata =
      "{\"codec\":\"\(codec)\",\"frame_rate\":\"\(frameRate)\",\"order\":\"frames\",\"sample_rate\":\"\(sampleRate)\"}"
    descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (overwrite ? O_TRUNC : O_EXCL), 0o644)
    guard descriptor >= 0 else {
      throw errno == EEXIST ? .exists(path: path) : .unwritable(path: path, code: errno)
    }
    try writeHeader()
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// The codes of the next frame; `flush` writes them.
  package mutating func append(_ codes: [Int32]) {
    precondition(codes.count == codebooks)
    pending += codes
  }

  package mutating func flush() throws(LatencyReportError) {
    guard !pending.isEmpty else { return }
    let offset = Self.headerBytes + 4 * frames * codebooks
    try check(pending.withUnsafeBytes { write($0, at: offset) })
    frames += pending.count / codebooks
    pending.removeAll(keepingCapacity: true)
    try writeHeader()
  }

  private func writeHeader() throws(LatencyReportError) {
    var bytes = withUnsafeBytes(of: UInt64(Self.headerBytes - 8).littleEndian) { Array($0) }
    bytes += Array(
      ("{\"__metadata__\":\(metadata),\"codes\":{\"dtype\":\"I32\",\"shape\":[\(frames),\(codebooks)],"
        + "\"data_offsets\":[0,\(4 * frames * codebooks)]}}").utf8)
    precondition(bytes.count <= Self.headerBytes)
    bytes += Array(repeating: UInt8(ascii: " "), count: Self.headerBytes - bytes.count)
    try check(bytes.withUnsafeBytes { write($0, at: 0) })
  }

  private func check(_ code: Int32) throws(LatencyReportError) {
    if code != 0 { throw .unwritable(path: path, code: code) }
  }

  /// Returns an error number, 0 when all is written.
  private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int32 {
    var done = 0
    while done < bytes.count {
      let count = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return count < 0 ? errno : EIO }
      done += count
    }
    return 0
  }
}
