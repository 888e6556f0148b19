public import Checkpoint
internal import Foundation

/// Bytes on their way to a file in the safetensors format, right or wrong.
public struct RawFile: Sendable {
  public var bytes: [UInt8]

  public init(_ bytes: [UInt8] = []) { self.bytes = bytes }

  /// - Parameters:
  ///   - header: the JSON.
  ///   - length: what the first eight bytes claim; the truth where nil.
  ///   - data: bytes behind the header, counting up.
  public init(header: String, length: UInt64? = nil, data: Int = 0) {
    let json = Array(header.utf8)
    bytes = withUnsafeBytes(of: (length ?? UInt64(json.count)).littleEndian) { Array($0) } + json
    bytes += (0..<data).map { UInt8(truncatingIfNeeded: $0) }
  }

  public func write(to path: String) throws { try Data(bytes).write(to: URL(filePath: path)) }

  /// The error that opening a file of these bytes throws, or nil.
  public func fault(at path: String) throws -> CheckpointError? {
    try write(to: path)
    do throws(CheckpointError) {
      _ = try Safetensors(path)
      return nil
    } catch {
      return error
    }
  }
}

/// The error that `body` throws, or nil.
public func checkpointError(_ body: () throws(CheckpointError) -> Void) -> CheckpointError? {
  do throws(CheckpointError) {
    try body()
    return nil
  } catch {
    return error
  }
}
