internal import Kernels

/// The last tokens of every row of a conversation, by step: those that the model drew or was given, and those it heard.
///
/// Rows and their delays are those of `Streams`. Delays are applied and undone only here. Steps count from 0.
struct TokenRing: Sendable {
  private let streams: Streams
  /// Steps that are kept: the longest delay, and one block.
  private let capacity: Int
  private let spoken: Region<Int32>  // [capacity][1 + own]
  private let heard: Region<Int32>  // [capacity][user]

  /// - Parameters:
  ///   - block: most steps of one pass.
  ///   - plan: the plan of a state's memory.
  init(_ streams: Streams, block: Int, in plan: inout MemoryPlan) {
    self.streams = streams
    capacity = streams.maxDelay + block
    spoken = plan.reserve(Int32.self, capacity * (1 + streams.own))
    heard = plan.reserve(Int32.self, capacity * max(streams.user, 1))
  }

  private func slot(_ step: Int64) -> Int { Int(step % Int64(capacity)) }

  /// Stores the user's codes of the frame that is heard in `step`. Codes beyond the codebook count as "nothing".
  ///
  /// - Parameter codes: [user]
  func hear(_ codes: UnsafePointer<Int32>, at step: Int64, _ memory: MemoryView) {
    let row = memory[heard] + slot(step) * streams.user
    for index in 0..<streams.user { row[index] = min(codes[index], Int32(streams.cardinality)) }
  }

  /// The tokens of the model's rows in `step`, for reading and writing: text, then codes, [1 + own].
  func tokens(at step: Int64, _ memory: MemoryView) -> UnsafeMutablePointer<Int32> {
    memory[spoken] + slot(step) * (1 + streams.own)
  }

  /// The token that the model reads in `step`: in its own rows, the one of the step before; in the user's, the code of
  /// frame (step - delay); and "nothing yet" while the row's delay has not passed.
  func input(row: Int, at step: Int64, _ memory: MemoryView) -> Int32 {
    let delay = Int64(streams.delays[row])
    if step <= delay { return streams.initialToken(row) }
    if row <= streams.own { return tokens(at: step - 1, memory)[row] }
    return memory[heard][slot(step - delay) * streams.user + row - 1 - streams.own]
  }

  /// Whether all codes of frame (step - maxDelay) exist once `step` is done.
  func isReady(_ step: Int64) -> Bool { step >= Int64(streams.maxDelay) }

  /// Copies all codes of frame (step - maxDelay): the code of a row was drawn `delay` steps after the frame.
  ///
  /// - Parameter own: [own]
  func undelay(at step: Int64, into own: UnsafeMutablePointer<Int32>, _ memory: MemoryView) {
    let frame = step - Int64(streams.maxDelay)
    for row in streams.ownRows {
      own[row - 1] = tokens(at: frame + Int64(streams.delays[row]), memory)[row]
    }
  }
}
