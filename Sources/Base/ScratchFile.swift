internal import Glibc

/// Values that wait on the disk until they are wanted, in a file without a name, which ends with the process.
package final class ScratchFile<Element: BitwiseCopyable> {
  private static var pieceSize: Int { 1024 }

  private let file: OutputFile
  /// How many values it holds.
  package private(set) var count = 0

  /// - Parameter directory: where there is room for them.
  package init(in directory: String) throws(FileError) {
    let name = String(UInt64.random(in: 0 ... .max), radix: 36)
    file = try OutputFile("\(directory)/.scratch-\(name)", existing: .replaced)
    FileSystem.remove(file.path)
  }

  package func append(_ values: [Element]) throws(FileError) {
    guard !values.isEmpty else { return }
    var failure: FileError?
    values.withUnsafeBytes { bytes in
      do throws(FileError) { try file.write(bytes, at: count * MemoryLayout<Element>.stride) } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    count += values.count
  }

  /// All values, in order.
  package func forEach(_ body: (Element) -> Void) throws(FileError) {
    let stride = MemoryLayout<Element>.stride
    let piece = UnsafeMutablePointer<Element>.allocate(capacity: Self.pieceSize)
    defer { piece.deallocate() }
    for first in Swift.stride(from: 0, to: count, by: Self.pieceSize) {
      let wanted = min(Self.pieceSize, count - first)
      let read = pread(file.descriptor, piece, wanted * stride, off_t(first * stride))
      guard read == wanted * stride else {
        throw .cannotRead(path: file.path, code: read < 0 ? errno : EIO)
      }
      for index in 0..<wanted { body(piece[index]) }
    }
  }
}
