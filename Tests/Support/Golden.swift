public import Checkpoint
internal import Foundation

/// Files of Assets/golden, made by the reference implementation.
public enum Golden {
  /// Root of the package.
  public static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  public static func path(_ name: String) -> String { root + "/Assets/golden/" + name }

  public static func open(_ name: String) throws -> Safetensors { try Safetensors(path(name)) }
}

/// A directory that is removed with its owner.
public final class TemporaryDirectory: Sendable {
  public let path: String

  public init() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "antiphon-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  public func file(_ name: String) -> String { path + "/" + name }
}

/// The largest absolute difference; infinite where the counts differ or a value is not a number.
public func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
  guard a.count == b.count else { return .infinity }
  return zip(a, b).reduce(0) { $1.0.isNaN || $1.1.isNaN ? .infinity : max($0, abs($1.0 - $1.1)) }
}
