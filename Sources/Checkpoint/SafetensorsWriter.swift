internal import Foundation
internal import Glibc

/// Writes a small safetensors file in one go; the file appears under its name only when it is whole.
public struct SafetensorsWriter: Sendable {
  private var tensors: [(name: String, type: ElementType, shape: [Int], bytes: [UInt8])] = []
  private let metadata: [String: String]

  /// A file without tensors.
  ///
  /// - Parameter metadata: the `__metadata__` strings.
  public init(metadata: [String: String] = [:]) { self.metadata = metadata }

  /// Adds a tensor of 32-bit integers, row-major.
  public mutating func add(_ name: String, _ values: [Int32], shape: [Int]) {
    add(name, .int32, shape, values.withUnsafeBytes { Array($0) })
  }

  /// Adds a tensor of floats, row-major.
  public mutating func add(_ name: String, _ values: [Float], shape: [Int]) {
    add(name, .float32, shape, values.withUnsafeBytes { Array($0) })
  }

  private mutating func add(_ name: String, _ type: ElementType, _ shape: [Int], _ bytes: [UInt8]) {
    precondition(bytes.count == shape.reduce(type.size, *))
    tensors.append((name, type, shape, bytes))
  }

  /// Writes the file.
  ///
  /// - Parameter path: of the file; one that is there is replaced. `-` is standard output.
  public func write(to path: String) throws(CheckpointError) {
    var header: [String: Any] = [:]
    if !metadata.isEmpty { header["__metadata__"] = metadata }
    var offset = 0
    for tensor in tensors {
      header[tensor.name] = [
        "dtype": tensor.type.rawValue, "shape": tensor.shape,
        "data_offsets": [offset, offset + tensor.bytes.count],
      ]
      offset += tensor.bytes.count
    }
    // Sorted keys: the same content is the same file. Dictionaries of strings and integers always serialize.
    var json = try! JSONSerialization.data(
      withJSONObject: header, options: [.sortedKeys, .withoutEscapingSlashes])
    json.append(contentsOf: Array(repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8))
    var data = withUnsafeBytes(of: UInt64(json.count).littleEndian) { Data($0) }
    data.append(json)
    for tensor in tensors { data.append(contentsOf: tensor.bytes) }
    if path == "-" || path == "/dev/stdout" {
      guard data.withUnsafeBytes({ Self.writeAll(STDOUT_FILENO, $0) }) else {
        throw .cannotWrite(file: path, code: errno)
      }
      return
    }
    let partial = path + ".partial"
    let descriptor = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .cannotWrite(file: path, code: errno) }
    let written = data.withUnsafeBytes { Self.writeAll(descriptor, $0) }
    let code = errno
    guard close(descriptor) == 0, written, rename(partial, path) == 0 else {
      unlink(partial)
      throw .cannotWrite(file: path, code: written ? errno : code)
    }
  }

  private static func writeAll(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Bool {
    var done = 0
    while done < bytes.count {
      let n = Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
      if n < 0 && errno == EINTR { continue }
      guard n > 0 else { return false }
      done += n
    }
    return true
  }
}
