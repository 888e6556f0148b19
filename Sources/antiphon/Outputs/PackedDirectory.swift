import Base
import Checkpoint
import Dialogue
import Foundation
import Glibc

/// The directory that `convert` creates: the packed weights and the copied files.
struct PackedDirectory {
  private let path: String
  private let source: DialogueFiles
  /// File name of the packed weights: the default, which config.json need not name.
  let weights: String

  private static let weightsName = "model.safetensors"

  /// Creates the directory. Throws if it already holds a model, or is the source.
  init(_ path: String, of source: DialogueFiles, overwrite: Bool) throws {
    self.path = path
    self.source = source
    weights = path + "/" + Self.weightsName
    if FileSystem.isDirectory(path) {
      guard !FileSystem.areSame(path, source.directory) else { throw CommandError.outputIsModel(path: path) }
    } else if mkdir(FileSystem.bytes(of: path), 0o755) != 0 {
      throw CheckpointError.cannotWrite(file: path, code: errno)
    }
    if FileSystem.exists(weights) && !overwrite { throw CommandError.outputExists(path: weights) }
  }

  private var companions: [String] {
    let configuration = source.configuration
    return [configuration.files.codec, configuration.files.tokenizer]
      + (configuration.drafterFile.map { [$0] } ?? [])
  }

  /// Files that the source lacks.
  var missing: [String] { companions.filter { !Safetensors.isThere(source.directory + "/" + $0) } }

  /// Copies the configuration, the codec, the tokenizer and the drafter.
  func copyRest() throws {
    let present = companions.filter { !missing.contains($0) }
    for file in try present.flatMap({ try Safetensors.parts(of: source.directory + "/" + $0) }) {
      let name = String(file.dropFirst(source.directory.count + 1))
      // A name in config.json must not make `convert` write elsewhere.
      guard !name.split(separator: "/").contains("..") else {
        throw CheckpointError.unsupported(
          file: source.directory + "/config.json", field: "a file outside the directory", found: name)
      }
      try write(MappedFile(file), to: name)
    }
    let configuration = source.directory + "/config.json"
    guard FileSystem.exists(configuration) else { return }
    let file = try MappedFile(configuration)
    guard source.configuration.files.model != Self.weightsName,
      var fields = try JSONSerialization.jsonObject(with: Data(file.bytes)) as? [String: Any]
    else { return try write(file, to: "config.json") }
    fields["moshi_name"] = Self.weightsName
    let json = try JSONSerialization.data(
      withJSONObject: fields, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    try json.withUnsafeBytes { try write($0, to: "config.json") }
  }

  private func write(_ file: MappedFile, to name: String) throws {
    try withExtendedLifetime(file) { try write(file.bytes, to: name) }
  }

  private func write(_ bytes: UnsafeRawBufferPointer, to name: String) throws {
    do throws(FileError) {
      let parts = name.split(separator: "/").dropLast()
      for count in parts.indices {
        try OutputFile.makeDirectory(path + "/" + parts[...count].joined(separator: "/"))
      }
      try OutputFile.whole(path + "/" + name) { file throws(FileError) in
        try file.write(bytes)
      }
    } catch {
      throw CheckpointError.cannotWrite(file: path + "/" + name, code: error.code)
    }
  }
}
