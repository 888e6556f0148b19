package import Base
internal import Checkpoint

/// Writes a codes file incrementally. After every `flush` the file is complete, so that one left by a killed process
/// can be read.
///
/// The tensor is (frames, codebooks), with `order` = `frames` in the metadata, so that new frames are appended. The
/// header has room for any number of them and is rewritten after the codes.
package final class CodesFileWriter {
  /// Bytes of the header, its length field included.
  private static let headerBytes = 512

  package let path: String
  package let codebooks: Int
  package private(set) var frames = 0
  private let metadata: [String: String]
  private let file: OutputFile
  private var pending: [Int32] = []

  /// - Parameters:
  ///   - codec: SHA-256 of the codec that makes the codes.
  ///   - overwrite: whether an existing file is replaced.
  package init(
    _ path: String, codebooks: Int, sampleRate: Int, frameRate: Double, codec: String, overwrite: Bool
  ) throws(FileError) {
    precondition(codebooks > 0)
    file = try OutputFile(path, existing: overwrite ? .replacedAtEnd : .refused)
    self.path = path
    self.codebooks = codebooks
    metadata = [
      "codec": codec, "frame_rate": "\(frameRate)", "order": "frames", "sample_rate": "\(sampleRate)",
    ]
    try writeHeader()
  }

  /// Adds the codes of the next frame; `flush` writes them.
  package func append(_ codes: [Int32]) {
    precondition(codes.count == codebooks)
    pending += codes
  }

  package func flush() throws(FileError) {
    guard !pending.isEmpty else { return }
    let offset = Self.headerBytes + 4 * frames * codebooks
    try file.write(pending.withUnsafeBytes { Array($0) }, at: offset)
    frames += pending.count / codebooks
    pending.removeAll(keepingCapacity: true)
    try writeHeader()
  }

  /// Writes the remaining codes and moves the file into place.
  package func finish() throws(FileError) {
    try flush()
    try file.finish()
  }

  /// Takes the file back, as if it had never been made.
  package func discard() { file.discard() }

  private func writeHeader() throws(FileError) {
    let header = SafetensorsHeader(tensors: [("codes", .int32, [frames, codebooks])], metadata: metadata)
    try file.write(header.bytes(size: Self.headerBytes), at: 0)
  }
}
