import Base
import Checkpoint
import Codec
import Dialogue
import Runtime

/// The result of `inspect`.
struct InspectView: Encodable {
  struct Tensor: Encodable {
    let name: String
    let type: String
    let shape: [Int]
    let bytes: Int
    /// Error of a packed matrix, relative to its source.
    let error: Double?
  }

  struct File: Encodable {
    let path: String
    let bytes: Int
    let tensors: [Tensor]
    let card: CardView?
  }

  /// The memory that a network needs.
  struct Need: Encodable {
    /// Such as `codec encode`.
    let part: String
    /// Bytes of weights that one frame reads.
    let bytesPerFrame: Int
    /// Bytes that one conversation keeps.
    let stateBytes: Int
  }

  struct CodecView: Encodable {
    let architecture: String
    let sampleRate: Int
    let frameRate: Double
    let codebooks: Int
    let cardinality: Int
  }

  struct DialogueView: Encodable {
    let family: String
    let ownCodebooks: Int
    let userCodebooks: Int
    let textTokens: Int
    let delays: [Int]
    /// Frames in its window, and the bytes that each one takes.
    let context: Int
    let cacheBytesPerFrame: Int
  }

  var files: [File] = []
  var dialogue: DialogueView?
  var codec: CodecView?
  var needs: [Need] = []
  /// Bytes of weights that are read per second in real time.
  var bytesPerSecond = 0.0

  init(_ path: String) throws {
    if FileSystem.isDirectory(path) {
      let model = try DialogueFiles(path)
      let names = model.configuration.files
      files = [try Self.file(model.weights), try Self.file(path + "/" + names.codec)]
      try add(dialogue: path)
      try add(codec: path + "/" + names.codec)
    } else {
      let file = try Self.file(path)
      files = [file]
      if file.tensors.contains(where: { $0.name.hasPrefix("quantizer.") }) { try add(codec: path) }
    }
  }

  /// Steps per second of every model of the family.
  private static let frameRate = 12.5

  private mutating func add(dialogue directory: String) throws {
    let dialogue = try Dialogue.open(directory)
    let configuration = dialogue.configuration
    let streams = dialogue.streams
    self.dialogue = DialogueView(
      family: configuration.family.name.rawValue, ownCodebooks: streams.own, userCodebooks: streams.user,
      textTokens: streams.textCardinality, delays: streams.delays, context: configuration.context,
      cacheBytesPerFrame: dialogue.cacheBytesPerFrame)
    needs.append(
      Need(
        part: "dialogue step", bytesPerFrame: dialogue.bytesPerStep,
        stateBytes: dialogue.makeState().bytes))
    bytesPerSecond += Double(dialogue.bytesPerStep) * Self.frameRate
  }

  private mutating func add(codec path: String) throws {
    let codec = try Codec.open(path)
    let configuration = codec.configuration
    self.codec = CodecView(
      architecture: configuration.architecture.rawValue, sampleRate: configuration.sampleRate,
      frameRate: codec.frameRate, codebooks: configuration.availableCodebooks,
      cardinality: configuration.cardinality)
    let bytes = codec.bytesPerFrame
    needs.append(
      Need(part: "codec encode", bytesPerFrame: bytes.encode, stateBytes: codec.makeEncoderState().bytes))
    needs.append(
      Need(part: "codec decode", bytesPerFrame: bytes.decode, stateBytes: codec.makeDecoderState().bytes))
    bytesPerSecond += Double(bytes.encode + bytes.decode) * codec.frameRate
  }

  private static func file(_ path: String) throws -> File {
    let checkpoint = try Checkpoint.open(path)
    let tensors = checkpoint.tensors.values.sorted { $0.name < $1.name }.map { tensor in
      Tensor(
        name: tensor.name, type: tensor.typeName, shape: tensor.shape, bytes: tensor.byteCount,
        error: checkpoint.card?.tensors[tensor.name].flatMap { Double($0.error) })
    }
    return File(
      path: checkpoint.path, bytes: checkpoint.file.byteCount, tensors: tensors,
      card: checkpoint.card.map(CardView.init))
  }

  /// The result as lines of text.
  func text(withTensors: Bool) -> String {
    var parts: [String] = []
    for file in files {
      parts.append("\(file.path): \(file.tensors.count) tensors, \(NumberText.bytes(file.bytes))")
      if let card = file.card { parts.append(card.text) }
      if withTensors {
        parts.append(
          TextTable.text(
            file.tensors.map { tensor in
              ["  " + tensor.name, tensor.type, "\(tensor.shape)", NumberText.bytes(tensor.bytes)]
                + (tensor.error.map { ["error " + NumberText.fixed($0 * 100, 2) + " %"] } ?? [])
            }))
      }
    }
    if let dialogue {
      parts.append(
        "dialogue: \(dialogue.family), speaks \(dialogue.ownCodebooks) codebooks, hears \(dialogue.userCodebooks), "
          + "\(dialogue.textTokens) text tokens, delays \(dialogue.delays), sees \(dialogue.context) frames at "
          + "\(NumberText.bytes(dialogue.cacheBytesPerFrame)) each")
    }
    if let codec {
      parts.append(
        "codec: \(codec.architecture), \(codec.sampleRate) Hz, \(NumberText.fixed(codec.frameRate, 1)) frames per "
          + "second, \(codec.codebooks) codebooks of \(codec.cardinality)")
    }
    if !needs.isEmpty {
      parts.append(
        TextTable.text(
          [["", "weights per frame", "memory per conversation"]]
            + needs.map { [$0.part, NumberText.bytes($0.bytesPerFrame), NumberText.bytes($0.stateBytes)] }))
      parts.append(
        "Real time reads \(NumberText.bytes(Int(bytesPerSecond))) of weights per second: the memory, or the caches "
          + "if the weights fit into them, must be faster than that.")
    }
    return parts.joined(separator: "\n")
  }
}
