internal import Checkpoint
internal import Foundation

/// A drafter of random weights beside a copy of a tiny model.
public enum RandomDrafter {
  /// Copies a model's directory, adds a drafter, and names it in config.json.
  ///
  /// - Parameters:
  ///   - source: the directory of a model with rms norms and gates.
  ///   - backbone: the fingerprint that config.json gives; none where it is nil.
  public static func add(
    toCopyOf source: String, in directory: TemporaryDirectory, modules: Int, backbone: String? = nil
  ) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: source) where name != "config.json" {
      try FileManager.default.copyItem(atPath: source + "/" + name, toPath: directory.file(name))
    }
    let config = try Data(contentsOf: URL(filePath: source + "/config.json"))
    guard var fields = try JSONSerialization.jsonObject(with: config) as? [String: Any],
      let width = fields["dim"] as? Int
    else { throw CocoaError(.coderReadCorrupt) }
    var draft: [String: Any] = ["modules": modules, "window": 5]
    draft["backbone"] = backbone
    fields["mctp"] = draft
    try JSONSerialization.data(withJSONObject: fields).write(to: URL(filePath: directory.file("config.json")))
    try weights(width: width, modules: modules).write(to: directory.file("drafter.safetensors"))
  }

  private static func weights(width: Int, modules: Int) -> SafetensorsWriter {
    let hidden = 24
    var noise = Noise(77)
    var writer = SafetensorsWriter()
    for module in 0..<modules {
      func add(_ name: String, _ shape: Int..., around center: Float = 0) {
        let count = shape.reduce(1, *)
        writer.add("modules.\(module).\(name)", noise.floats(count).map { center + 0.3 * $0 }, shape: shape)
      }
      add("norm_e.alpha", width, around: 1)
      add("norm_h.alpha", width, around: 1)
      add("proj.weight", width, 2 * width)
      add("layer.norm1.alpha", width, around: 1)
      add("layer.self_attn.in_proj_weight", 3 * width, width)
      add("layer.self_attn.out_proj.weight", width, width)
      add("layer.norm2.alpha", width, around: 1)
      add("layer.gating.linear_in.weight", 2 * hidden, width)
      add("layer.gating.linear_out.weight", width, hidden)
      add("out_norm.alpha", width, around: 1)
    }
    return writer
  }
}
