/// The files that hold a model's weights: one, or an index and its shards in the order of their names.
package struct WeightFiles: Sendable {
  let files: [MappedFile]

  /// Bytes of all files.
  package var byteCount: Int { files.reduce(0) { $0 + $1.bytes.count } }

  /// Identifies the files' content cheaply: it changes when a file is replaced or modified.
  var identity: String { files.map(\.identity).joined(separator: " ") }

  /// SHA-256 of the concatenated files, as 64 hexadecimal digits; reads all of them, and keeps none in memory.
  package var digest: String { digest { _ in true } ?? "" }

  /// - Parameter progress: called with the number of bytes read; returning false stops.
  /// - Returns: nil if it was stopped.
  func digest(_ progress: (Int) -> Bool) -> String? {
    let digest = Digest()
    let piece = 16 << 20
    var done = 0
    for file in files {
      for start in stride(from: 0, to: file.bytes.count, by: piece) {
        let part = UnsafeRawBufferPointer(
          rebasing: file.bytes[start..<min(start + piece, file.bytes.count)])
        digest.update(part)
        file.release(part)
        done += part.count
        guard progress(done) else { return nil }
      }
    }
    return digest.finish()
  }
}
