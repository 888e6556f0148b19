import Checkpoint
import Codec
import TestSupport
import Testing

struct CodecWeightsTests {
  /// A file of square matrices: (name, type, rows).
  private func chosen(_ matrices: (String, ElementType, Int)...) throws -> CodecWeights {
    let directory = try TemporaryDirectory()
    var (fields, end) = ([String](), 0)
    for (name, type, rows) in matrices {
      let start = end
      end += rows * rows * type.size
      fields.append(
        "\"\(name)\":{\"dtype\":\"\(type.rawValue)\",\"shape\":[\(rows),\(rows)],\"data_offsets\":[\(start),\(end)]}"
      )
    }
    let path = directory.file("matrices.safetensors")
    try RawFile(header: "{\(fields.joined(separator: ","))}", data: end).write(to: path)
    return CodecWeights(storedIn: try Safetensors(path))
  }

  @Test("weights are held in 16 bits by themselves only where that loses nothing")
  func smallestExact() throws {
    #expect(try chosen(("a.weight", .float16, 512), ("b.weight", .float32, 16)) == .f16)
    #expect(try chosen(("a.weight", .float16, 512), ("b.weight", .float32, 512)) == .f32)
    #expect(try chosen(("a.weight", .bfloat16, 512)) == .f32)
    #expect(try chosen(("a.weight_v", .float16, 512)) == .f32)
    #expect(try chosen(("a.weight", .float16, 16)) == .f32)
  }
}
