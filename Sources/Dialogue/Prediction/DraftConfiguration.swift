internal import Checkpoint

/// What `config.json` says of a model's drafter, as its `mctp` object (multi-codebook token prediction).
struct DraftConfiguration: Sendable {
  /// Name of the file of weights, beside config.json.
  let file: String
  /// Modules in the file: how many columns ahead of the backbone it can draft.
  let modules: Int
  /// Positions that a module sees, the newest included.
  let window: Int
  /// Fingerprint of the backbone whose hidden states it learnt to read; nil is not checked.
  let backbone: String?

  /// Most modules of a file: the token ring keeps that many columns ahead.
  static let mostModules = 6

  init?(_ fields: Fields) throws(CheckpointError) {
    guard let fields = try fields.object("mctp") else { return nil }
    file = try fields.string("file", default: "drafter.safetensors")
    modules = try fields.integer("modules", 1...Self.mostModules)
    window = try fields.integer("window", 1...100_000)
    // What the person says after the hidden state's own frame is not known yet, and nothing stands for it.
    let user = try fields.string("user", default: "none")
    guard user == "none" else { throw .unsupported(file: fields.path, field: "mctp.user", found: user) }
    backbone = fields.has("backbone") ? try fields.string("backbone") : nil
  }
}
