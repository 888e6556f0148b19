internal import Checkpoint
package import Dialogue

/// What one step does to the memory.
package struct StepWork: Sendable {
  package let weightBytes: Int
  package let bits: Int
  package let products: Int
  /// Keys and values that are read.
  package let cacheBytes: Int

  /// With the scales of blocks.
  package static func bytes(_ weights: Int, bits: Int) -> Int {
    switch bits {
    case 8: weights / 32 * 34
    case 4: weights / 32 * 18
    default: weights * 2
    }
  }

  /// Bytes of that many keys and values in a form, with the scales of blocks.
  package static func bytes(_ numbers: Int, of form: CacheOptions.Format) -> Int {
    switch form {
    case .f32: numbers * 4
    case .f16: bytes(numbers, bits: 16)
    case .q8: bytes(numbers, bits: 8)
    case .q4: bytes(numbers, bits: 4)
    }
  }

  /// What a step of a model does, from the tensors that it reads.
  ///
  /// - Parameters:
  ///   - files: of the model.
  ///   - kv: how keys and values are remembered.
  ///   - frames: that lie in the window.
  /// - Returns: the work at a number of bits, or as the weights are stored where that is nil.
  package static func of(
    _ files: DialogueFiles, kv: CacheOptions, frames: Int
  ) throws -> (Int?) -> StepWork {
    let (checkpoint, survey) = try Dialogue.survey(files)
    let matrices = survey.reads.filter(\.isMatrix)
    let weights = matrices.reduce(0) { $0 + $1.stacked * $1.columns }
    let stored = matrices.reduce(0) { $0 + (checkpoint.tensors[$1.name]?.byteCount ?? 0) }
    let products = matrices.reduce(0) { $0 + $1.stacked / $1.rows }
    let cacheBytes = frames * (try Dialogue.open(files.directory, cache: kv).cacheBytesPerFrame)
    return { bits in
      StepWork(
        weightBytes: bits.map { StepWork.bytes(weights, bits: $0) } ?? stored,
        bits: bits ?? checkpoint.card?.bits ?? 16, products: products, cacheBytes: cacheBytes)
    }
  }
}
