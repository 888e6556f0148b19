internal import Checkpoint
package import Dialogue

/// The memory that one step reads.
package struct StepWork: Sendable {
  package let weightBytes: Int
  package let bits: Int
  package let products: Int
  /// Bytes of keys and values that are read.
  package let cacheBytes: Int

  /// Bytes of that many weights, including the blocks' scales.
  package static func bytes(_ weights: Int, bits: Int) -> Int {
    switch bits {
    case 8: weights / 32 * 34
    case 4: weights / 32 * 18
    default: weights * 2
    }
  }

  /// Bytes of that many keys and values in a form, including the blocks' scales.
  package static func bytes(_ numbers: Int, of form: CacheOptions.Format) -> Int {
    switch form {
    case .f32: numbers * 4
    case .f16: bytes(numbers, bits: 16)
    case .q8: bytes(numbers, bits: 8)
    case .q4: bytes(numbers, bits: 4)
    }
  }

  /// The work of one step of a model, from the tensors that it reads.
  ///
  /// - Parameters:
  ///   - files: the files of the model.
  ///   - kv: form of keys and values.
  ///   - frames: frames in the window.
  /// - Returns: a function from bits per weight to the work; nil bits means the weights as they are stored.
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
