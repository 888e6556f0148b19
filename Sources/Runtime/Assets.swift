internal import Base
import Glibc

/// The files that ship with the program.
package enum Assets {
  /// A directory below `Assets`, or nil if the assets cannot be found.
  ///
  /// The search covers `$ANTIPHON_ASSETS`, `share/antiphon` beside the program's directory, and `Assets` in every
  /// directory above it, where a build finds it.
  package static func directory(_ name: String) -> String? {
    var places: [String] = []
    if let named = FileSystem.variable("ANTIPHON_ASSETS") { places.append(named) }
    var directory = (FileSystem.link("/proc/self/exe") ?? "").split(separator: "/").dropLast().map(
      String.init)
    places.append("/" + (directory.dropLast() + ["share", "antiphon"]).joined(separator: "/"))
    while !directory.isEmpty {
      places.append("/" + (directory + ["Assets"]).joined(separator: "/"))
      directory.removeLast()
    }
    return places.map { $0 + "/" + name }.first { FileSystem.may(R_OK | X_OK, $0) }
  }

  /// The model that is used if none is named.
  ///
  /// - Returns: its directory, and whether it is trained; an untrained model answers with noise.
  package static func defaultModel() -> (directory: String, isTrained: Bool)? {
    // A directory with only a codec is not a model.
    if let directory = directory("models/default"), FileSystem.may(R_OK, directory + "/config.json") {
      return (directory, true)
    }
    return directory("golden/tiny-model").map { ($0, false) }
  }

  /// The codec that is used if none is named: its file, and whether it is trained.
  package static func defaultCodec() -> (path: String, isTrained: Bool)? {
    if let directory = directory("models/default"), FileSystem.may(R_OK, directory + "/codec.safetensors") {
      return (directory + "/codec.safetensors", true)
    }
    return directory("golden/tiny-codec").map { ($0 + "/model.safetensors", false) }
  }
}
