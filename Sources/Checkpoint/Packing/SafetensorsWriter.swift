internal import Base
internal import Glibc

/// Writes a small safetensors file in one go; the file appears under its name only when it is complete.
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
  /// - Parameter path: of the file; an existing one is replaced. `-` is standard output.
  public func write(to path: String) throws(CheckpointError) {
    let header = SafetensorsHeader(
      tensors: tensors.map { ($0.name, $0.type, $0.shape) }, metadata: metadata)
    try CheckpointError.writing { () throws(FileError) in
      if path == "-" {
        try write(header, to: OutputFile(path, descriptor: STDOUT_FILENO))
      } else {
        try OutputFile.whole(path) { file throws(FileError) in try write(header, to: file) }
      }
    }
  }

  private func write(_ header: SafetensorsHeader, to file: OutputFile) throws(FileError) {
    try file.write(header.bytes())
    for tensor in tensors { try file.write(tensor.bytes) }
  }
}
