internal import Checkpoint

/// Finds convolutions in a SEANet's list of modules: their weights are plain or weight-normalized.
enum SEANetNames {
  static func has(_ scope: Scope, _ convolution: String) -> Bool { weight(scope, convolution) != nil }

  /// Indices n for which `model.n.<kind>` is a convolution, in order.
  static func indices(_ scope: Scope, _ kind: String) -> [Int] {
    (0..<64).filter { has(scope, "model.\($0).\(kind)") }
  }

  /// Shape of a convolution's weight: three positive sizes, the last the kernel's.
  static func shape(_ scope: Scope, _ convolution: String) throws(CheckpointError) -> [Int] {
    let name = weight(scope, convolution) ?? join(convolution, "weight")
    let shape = try scope.shape(name)
    guard shape.count == 3, shape.allSatisfy({ $0 > 0 }) else {
      throw .wrongShape(
        file: scope.checkpoint.path, tensor: scope.full(name), expected: [-1, -1, -1], found: shape)
    }
    return shape
  }

  private static func weight(_ scope: Scope, _ convolution: String) -> String? {
    ["weight", "weight_v"].map { join(convolution, $0) }.first(where: scope.has)
  }

  private static func join(_ convolution: String, _ name: String) -> String {
    convolution.isEmpty ? name : convolution + "." + name
  }
}
