import Checkpoint
import Kernels

@testable import Codec
@testable import Dialogue

extension FuzzTarget {
  static func safetensors(_ bytes: UnsafeRawBufferPointer) {
    guard let checkpoint = try? Checkpoint.open(MappedFile(bytes, named: "fuzz")) else { return }
    read(checkpoint)
  }

  static func gguf(_ bytes: UnsafeRawBufferPointer) {
    guard let file = try? GGUF(MappedFile(bytes, named: "fuzz")) else { return }
    withExtendedLifetime(file) {
      if let checkpoint = try? Checkpoint.open(MappedFile(bytes, named: "fuzz")) { read(checkpoint) }
    }
  }

  // What lies behind the header: numbers that are finite in every type.
  private static let content = [UInt8](repeating: 0x31, count: 4096)

  static func header(_ bytes: UnsafeRawBufferPointer) {
    safetensorsFile(header: bytes, content: content).withUnsafeBytes { safetensors($0) }
  }

  private static func safetensorsFile(header: UnsafeRawBufferPointer, content: [UInt8]) -> [UInt8] {
    withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header + content
  }

  private static let shardNames = ["a.safetensors", "b.safetensors", "parts/c.safetensors"]

  static func shards(_ bytes: UnsafeRawBufferPointer) {
    guard let index = try? ShardIndex(MappedFile(bytes, named: "fuzz.index.json")) else { return }
    let file = try? Safetensors(index) { name throws(CheckpointError) in
      guard let place = shardNames.firstIndex(of: name) else { return nil }
      let (own, all) = (["x", "y", "z"][place], [#"{"own""#, #"{"own""#, #"{"z""#][place])
      let tensor = #":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#
      let text = all + tensor + #",""# + own + #"2""# + tensor.replacing("[0,8]", with: "[8,16]") + "}"
      return Array(text.utf8).withUnsafeBytes { header in
        safetensorsFile(header: header, content: Array(repeating: 0x31, count: 16)).withUnsafeBytes {
          MappedFile($0, named: name)
        }
      }
    }
    _ = file?.digest
    for entry in file?.entries.values.map({ $0 }) ?? [] { _ = file?.bytes(entry).reduce(0, ^) }
  }

  static func config(_ bytes: UnsafeRawBufferPointer) {
    guard let fields = try? Fields(Array(bytes), path: "fuzz") else { return }
    if var configuration = try? DialogueConfiguration(fields) {
      for format in CacheOptions.Format.allCases {
        try? configuration.setCache(CacheOptions(format), file: "fuzz")
      }
    }
    guard let configuration = try? CodecConfiguration(fields, path: "fuzz") else { return }
    _ = try? SpectralSizes(configuration)
  }

  /// Reads what can be read of the first tensors, in every way.
  private static func read(_ checkpoint: Checkpoint) {
    let scope = checkpoint.scope("")
    for (name, tensor) in checkpoint.tensors.sorted(by: { $0.key < $1.key }).prefix(8) {
      _ = (tensor.typeName, tensor.byteCount)
      let count = tensor.shape.reduce(1) { $0 &* $1 }
      if 1...4096 ~= count {
        _ = try? scope.vector(name, count)
        _ = (try? scope.values(name, tensor.shape)).map { $0[count - 1] }
      }
      // The words of MLX do not tell how many numbers they hold.
      guard tensor.shape.count >= 2, let rows = tensor.shape.first, 1...256 ~= rows,
        1...1024 ~= tensor.shape[1]
      else { continue }
      let widths = tensor.form == .affine ? [tensor.shape[1] * 4, tensor.shape[1] * 8] : [tensor.shape[1]]
      for columns in widths {
        var parts = [rows]
        if case .packed(_, let rowsPerPart) = tensor.form { parts.append(rowsPerPart) }
        for part in parts where part > 0 && part <= rows {
          for offset in Set([0, rows - part]) where offset % part == 0 {
            let matrix = try? scope.matrix(name, part, columns, rowOffset: offset, stacked: rows)
            if let matrix { use(matrix) }
          }
        }
        if let table = try? scope.table(name, rows, columns) { use(table) }
        if let panels = try? scope.panels(name, rows, columns) { use(panels) }
      }
    }
  }

  private static let workers = Workers(threads: 1)

  /// Looks at the corners of a matrix and multiplies it.
  private static func use(_ matrix: Matrix) {
    _ = matrix[0, 0] + matrix[matrix.rows - 1, matrix.columns - 1]
    let x = [Float](repeating: 1, count: matrix.columns)
    var y = [Float](repeating: 0, count: matrix.rows)
    matrix.multiply(x, xStride: matrix.columns, into: &y, yStride: matrix.rows, count: 1, workers)
    var row = [Float](repeating: 0, count: matrix.columns)
    matrix.add(row: matrix.rows - 1, to: &row)
  }
}
