internal import Base
package import Checkpoint
internal import Glibc

/// The codes of a sound, as a safetensors file with one tensor `codes` of 32-bit integers.
package struct CodesFile: Sendable, Equatable {
  /// [codebooks][frames]
  package let codes: [Int32]
  package let codebooks: Int
  package let frames: Int
  /// Samples per second of the sound.
  package let sampleRate: Int
  package let frameRate: Double
  /// SHA-256 of the codec that made the codes, if the file states it.
  package let codec: String?
  /// Samples of the sound, if the file states them: the last frame may be padded with silence.
  package let samples: Int?

  /// - Parameter frameCodes: [frames][codebooks], as an encoder makes them.
  package init(
    frameCodes: [Int32], codebooks: Int, sampleRate: Int, frameRate: Double, codec: String, samples: Int
  ) {
    precondition(codebooks > 0 && frameCodes.count % codebooks == 0)
    let frames = frameCodes.count / codebooks
    codes = (0..<codebooks).flatMap { book in (0..<frames).map { frameCodes[$0 * codebooks + book] } }
    self.codebooks = codebooks
    self.frames = frames
    self.sampleRate = sampleRate
    self.frameRate = frameRate
    self.codec = codec
    self.samples = samples
  }

  /// How messages name what `-` reads.
  package static let standardInput = "standard input"
  /// More than a week of codes; a device may give bytes without end.
  private static let longestStream = 1 << 30

  /// Reads a file, a pipe, or standard input where `path` is `-`. Values that the metadata does not give are Mimi's.
  package init(_ path: String) throws(CheckpointError) {
    let isStandardInput = path == "-"
    let kind = isStandardInput ? S_IFIFO : (FileSystem.status(path)?.st_mode ?? S_IFREG) & S_IFMT
    guard kind == S_IFIFO || kind == S_IFCHR else {
      try self.init(Safetensors(path))
      return
    }
    let name = isStandardInput ? Self.standardInput : path
    let descriptor = isStandardInput ? dup(STDIN_FILENO) : FileSystem.open(path, O_RDONLY)
    guard descriptor >= 0 else { throw .unreadable(file: name, code: errno) }
    defer { close(descriptor) }
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try TextFile.bytes(descriptor, name, limit: Self.longestStream)
    } catch { throw .unreadable(file: name, code: error.code) }
    try self.init(Safetensors(bytes.withUnsafeBytes { MappedFile($0, named: name) }))
  }

  package init(_ file: Safetensors) throws(CheckpointError) {
    let path = file.path
    let tensor = try file.int32s("codes", rank: 2)
    // A recording of a live session grows frame by frame (`CodesFileWriter`).
    let isByFrame = try file.text("order") == "frames"
    let (codebooks, frames) = (tensor.shape[isByFrame ? 1 : 0], tensor.shape[isByFrame ? 0 : 1])
    // No codec has more; a file without frames could claim any number.
    guard (1...Self.mostCodebooks).contains(codebooks) else {
      throw .wrongShape(file: path, tensor: "codes", expected: [-1, -1], found: tensor.shape)
    }
    (self.codebooks, self.frames) = (codebooks, frames)
    codes =
      isByFrame
      ? (0..<codebooks).flatMap { book in (0..<frames).map { tensor.values[$0 * codebooks + book] } }
      : tensor.values
    sampleRate = Int(try Self.number(file, "sample_rate", from: 1) ?? 24_000)
    frameRate = try Self.number(file, "frame_rate") ?? 12.5
    codec = try file.text("codec")
    samples = try Self.number(file, "samples").map { Int($0) }
  }

  package func write(to path: String) throws(CheckpointError) {
    var metadata = ["sample_rate": "\(sampleRate)", "frame_rate": "\(frameRate)"]
    metadata["codec"] = codec
    metadata["samples"] = samples.map { "\($0)" }
    var file = SafetensorsWriter(metadata: metadata)
    file.add("codes", codes, shape: [codebooks, frames])
    try file.write(to: path)
  }

  /// The codes of one frame.
  package func frame(_ index: Int) -> [Int32] { (0..<codebooks).map { codes[$0 * frames + index] } }

  private static let mostCodebooks = 4096

  private static func number(
    _ file: Safetensors, _ key: String, from least: Double = 1e-6
  ) throws(CheckpointError) -> Double? {
    guard let text = try file.text(key) else { return nil }
    guard let number = Double(text), number >= least, number < 1e12 else {
      throw .badField(file: file.path, field: key, expected: "a number above 0", found: text)
    }
    return number
  }
}
