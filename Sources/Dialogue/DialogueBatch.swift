internal import Kernels
internal import Layers

/// Several conversations of one model that take their steps together: every weight is read once for all of them.
///
/// Each says what it would say alone. A batch belongs to one thread at a time.
public final class DialogueBatch {
  public let dialogue: Dialogue
  /// Conversations.
  public let count: Int
  private let states: UnsafeMutablePointer<DialogueState>
  private let results: UnsafeMutablePointer<DialogueStep>
  private let workspace: DialogueWorkspace

  /// Conversations that have not begun, one per seed.
  public init(_ dialogue: Dialogue, seeds: [UInt64]) {
    precondition(!seeds.isEmpty)
    self.dialogue = dialogue
    count = seeds.count
    states = .allocate(capacity: count)
    results = .allocate(capacity: count)
    workspace = DialogueWorkspace(dialogue.workspacePlan(columns: count))
    for (index, seed) in seeds.enumerated() {
      (states + index).initialize(to: dialogue.makeState(seed: seed))
    }
    results.initialize(repeating: DialogueStep(text: 0, isReady: false, times: (0, 0, 0)), count: count)
  }

  deinit {
    states.deinitialize(count: count)
    states.deallocate()
    results.deallocate()
  }

  /// Hears one frame of every conversation and answers with one of each.
  ///
  /// - Parameters:
  ///   - user: [count][streams.user]
  ///   - own: [count][streams.own]; a conversation's codes are left as they are while it is not ready.
  public func step(user: Span<Int32>, own: inout MutableSpan<Int32>) {
    precondition(user.count == count * dialogue.streams.user && own.count == count * dialogue.streams.own)
    user.withUnsafeBufferPointer { user in
      own.withUnsafeMutableBufferPointer { own in
        dialogue.advance(states, count: count, user.baseAddress, own.baseAddress, results, workspace)
      }
    }
  }

  /// What the last step told of one conversation.
  public func result(_ session: Int) -> DialogueStep {
    precondition(0..<count ~= session)
    return results[session]
  }

  /// Reads or changes one conversation between steps: its sampling, or another state in its place.
  public func withState<Result>(_ session: Int, _ body: (inout DialogueState) throws -> Result) rethrows
    -> Result
  {
    precondition(0..<count ~= session)
    return try body(&states[session])
  }
}
