import Checkpoint
import Codec
import Foundation
import TestSupport
import Testing

/// Codec files whose tensors do not fit each other: an error that names one, never a wrong sound or a crash.
struct HostileCodecTests {
  /// The golden codec with its header changed; data stay where they are.
  private struct Altered {
    var header: [String: Any]
    private let data: Data
    private let directory: TemporaryDirectory

    init(_ name: String = "model") throws {
      let whole = try Data(contentsOf: URL(filePath: Golden.path("tiny-codec/\(name).safetensors")))
      let length = whole.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
      header = try #require(try JSONSerialization.jsonObject(with: whole[8..<8 + length]) as? [String: Any])
      data = whole[(8 + length)...]
      directory = try TemporaryDirectory()
    }

    /// Gives a tensor another shape, and zeros behind the file for its data.
    mutating func reshape(_ name: String, _ shape: [Int]) throws {
      var entry = try #require(header[name] as? [String: Any])
      let type = try #require(entry["dtype"] as? String)
      let size = try #require(ElementType(rawValue: type)).size
      entry["shape"] = shape
      entry["data_offsets"] = [data.count, data.count + shape.reduce(size, *)]
      header[name] = entry
    }

    /// Changes fields of the description.
    mutating func describe(_ changes: [String: Any]) throws {
      var metadata = try #require(header["__metadata__"] as? [String: String])
      var fields = try #require(
        try JSONSerialization.jsonObject(with: Data((metadata["codec"] ?? "{}").utf8)) as? [String: Any])
      fields.merge(changes) { $1 }
      metadata["codec"] = String(decoding: try JSONSerialization.data(withJSONObject: fields), as: UTF8.self)
      header["__metadata__"] = metadata
    }

    func error() throws -> CheckpointError? {
      let path = directory.file("codec.safetensors")
      let json = try JSONSerialization.data(withJSONObject: header)
      var file = withUnsafeBytes(of: UInt64(json.count).littleEndian) { Data($0) }
      file += json + data + Data(count: 1 << 20)
      try file.write(to: URL(filePath: path))
      return checkpointError { () throws(CheckpointError) in _ = try Codec.open(path) }
    }

    func shape(_ name: String) throws -> [Int] {
      try #require((header[name] as? [String: Any])?["shape"] as? [Int])
    }
  }

  @Test("a number of threads that there cannot be is named", arguments: [Int.min, -1, 0, 1025, .max])
  func threads(count: Int) {
    let path = Golden.path("tiny-codec/model.safetensors")
    #expect(
      throws: CheckpointError.badArgument(
        file: path, name: "threads", expected: "a number from 1 to 1024", found: "\(count)")
    ) { try Codec.open(path, threads: count) }
  }

  @Test("fewer than one codebook are refused", arguments: [Int.min, -1, 0])
  func codebooks(count: Int) {
    let path = Golden.path("tiny-codec/model.safetensors")
    #expect(
      throws: CheckpointError.badArgument(
        file: path, name: "codebooks", expected: "a number from 1", found: "\(count)")
    ) { try Codec.open(path, codebooks: count) }
  }

  @Test("the golden file passes as it is")
  func sound() throws { #expect(try Altered().error() == nil) }

  @Test(
    "every tensor is missed by name, or its absence by what follows from it",
    arguments: ["model", "model-weight-norm"])
  func missing(name: String) throws {
    let whole = try Altered(name)
    for tensor in whole.header.keys where tensor != "__metadata__" {
      // Biases and flags may be absent.
      let isOptional =
        tensor.hasSuffix(".bias") && !tensor.contains("norm") || tensor.contains("_initialized")
      var less = whole
      less.header[tensor] = nil
      let error = try less.error()
      #expect((error == nil) == isOptional, "\(tensor)")
    }
  }

  @Test("a first convolution for two channels is refused, not read past the frame's end")
  func inputs() throws {
    var file = try Altered()
    let name = "encoder.model.0.conv.conv.weight"
    let shape = try file.shape(name)
    #expect(shape[1] == 1)
    try file.reshape(name, [shape[0], 2, shape[2]])
    guard case .wrongShape(_, name, shape, [shape[0], 2, shape[2]]) = try file.error() else {
      Issue.record("\(String(describing: try file.error()))")
      return
    }
  }

  @Test("every convolution must take what the one before gives", arguments: ["encoder", "decoder"])
  func channels(half: String) throws {
    let whole = try Altered()
    let names = whole.header.keys.filter { $0.hasPrefix(half + ".model.") && $0.hasSuffix(".weight") }
    #expect(names.count > 5)
    for name in names {
      for dimension in 0..<2 {
        var file = whole
        var shape = try file.shape(name)
        shape[dimension] += 3
        try file.reshape(name, shape)
        #expect(try file.error() != nil, "\(name) as \(shape)")
      }
    }
  }

  @Test("kernels that make no whole frame are refused", arguments: [1, 3, 64, 4000])
  func kernels(size: Int) throws {
    let whole = try Altered()
    for name in [
      "downsample.conv.conv.conv.weight", "upsample.convtr.convtr.convtr.weight",
      "encoder.model.3.conv.conv.weight", "decoder.model.2.convtr.convtr.weight",
    ] {
      var file = whole
      var shape = try file.shape(name)
      shape[2] = size
      try file.reshape(name, shape)
      #expect(try file.error() != nil, "\(name) as \(shape)")
    }
  }

  @Test(
    "a description that does not fit the tensors is refused",
    arguments: [
      ("num_heads", 3), ("num_heads", 16), ("num_heads", 0), ("context", 0), ("max_period", 0),
      ("sample_rate", 1),
      ("samples_per_frame", 1921), ("samples_per_frame", 960), ("samples_per_frame", 0),
    ])
  func descriptions(field: String, value: Int) throws {
    var file = try Altered()
    try file.describe([field: value])
    #expect(try file.error() != nil)
  }

  @Test("an unknown architecture is named")
  func architecture() throws {
    var file = try Altered()
    try file.describe(["architecture": "vocoder"])
    guard case .unsupported(_, "architecture", "vocoder") = try file.error() else {
      Issue.record("\(String(describing: try file.error()))")
      return
    }
  }

  @Test("codebooks of different sizes, or of no entry, are refused")
  func codebooks() throws {
    for rows in [0, 31, 33] {
      var file = try Altered()
      let name = "quantizer.rvq_rest.vq.layers.2._codebook.embedding_sum"
      try file.reshape(name, [rows, try file.shape(name)[1]])
      try file.reshape("quantizer.rvq_rest.vq.layers.2._codebook.cluster_usage", [rows])
      #expect(try file.error() != nil, "\(rows) entries")
    }
  }

  @Test("codes outside the codebooks make a sound, not a crash")
  func codes() throws {
    let codec = try Codec.open(Golden.path("tiny-codec/model.safetensors"))
    var state = codec.makeDecoderState()
    var frame = [Float](repeating: 0, count: codec.configuration.samplesPerFrame)
    for code in [-1, 32, .max, .min] as [Int32] {
      let codes = [Int32](repeating: code, count: codec.configuration.codebooks)
      var span = frame.mutableSpan
      codec.decode(codes.span, into: &span, &state)
      #expect(frame.allSatisfy { $0.isFinite })
    }
  }
}
