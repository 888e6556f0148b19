package import Checkpoint
import FoundationEssentials

/// The files of a model directory in the published layout, as its `config.json` names them.
package struct ModelFiles: Sendable, Equatable {
  package let directory: String
  package let configuration: String
  package let weights: String
  package let codec: String
  package let tokenizer: String

  /// Reads `config.json`. The files it names need not be there.
  package init(_ directory: String) throws(CheckpointError) {
    let path = directory + "/config.json"
    var isDirectory = false
    guard FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory) else {
      throw .notFound(file: directory)
    }
    guard isDirectory else { throw .notDirectory(file: directory) }
    let text: String
    do {
      text = try TextFile.read(path)
    } catch {
      switch error {
      case .unreadable(_, let code): throw .unreadable(file: path, code: code)
      default: throw .notFound(file: path)
      }
    }
    guard let names = try? JSONDecoder().decode(Names.self, from: Data(text.utf8)) else {
      throw .badField(
        file: path, field: "moshi_name, mimi_name, tokenizer_name", expected: "file names in a JSON object",
        found: String(text.prefix(40).map { $0.isNewline ? " " : $0 }))
    }
    self.directory = directory
    configuration = path
    weights = directory + "/" + (names.moshiName ?? "model.safetensors")
    codec = directory + "/" + (names.mimiName ?? "tokenizer-e351c8d8-checkpoint125.safetensors")
    tokenizer = directory + "/" + (names.tokenizerName ?? "tokenizer_spm_32k_3.model")
  }

  private struct Names: Decodable {
    let moshiName: String?
    let mimiName: String?
    let tokenizerName: String?

    enum CodingKeys: String, CodingKey {
      case moshiName = "moshi_name"
      case mimiName = "mimi_name"
      case tokenizerName = "tokenizer_name"
    }
  }
}
