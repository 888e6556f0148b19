public import Base
internal import Kernels

/// Advances conversations one at a time: the scratch of a step, and the step itself.
///
/// One stepper may serve any number of states of its model, one after the other; steppers of one model may work on
/// different threads. A step allocates nothing.
public struct DialogueStepper: ~Copyable, Sendable {
  /// The model whose states it advances.
  public let dialogue: Dialogue
  let scratch: DialogueScratch

  /// A stepper for states of `dialogue`; its scratch is allocated here.
  public init(_ dialogue: Dialogue) {
    self.dialogue = dialogue
    scratch = DialogueScratch(dialogue.scratchPlan(states: 1))
  }

  /// Bytes of the scratch.
  public var bytes: Int { scratch.memory.bytes }

  /// Hears one frame and answers with one: the conversation's next 80 ms.
  ///
  /// - Parameters:
  ///   - user: the user's codes of this frame, [streams.user]; `cardinality` and above means "nothing", and a negative
  ///     code adds nothing to what the model reads.
  ///   - own: the model's codes, [streams.own], all of frame (step - maxDelay); unchanged while not ready.
  ///   - state: of the same model.
  ///   - clock: the clock from which the times of the step are read.
  /// - Precondition: the spans have these lengths, and the state is the model's.
  public mutating func step(
    _ user: Span<Int32>, into own: inout MutableSpan<Int32>, _ state: inout DialogueState,
    clock: RunClock = .monotonic
  ) -> DialogueStep {
    advance(user, nil, into: &own, &state, clock)
  }

  /// The same, with tokens that replace drawn ones.
  ///
  /// - Parameters:
  ///   - user: the user's codes of this frame, [streams.user].
  ///   - tokens: text and codes of this step, [1 + streams.own], before delays are undone. For -1, or a token that the
  ///     row does not have, the token is drawn. The generator advances as if all tokens were drawn.
  ///   - own: the model's codes, [streams.own], all of frame (step - maxDelay); unchanged while not ready.
  ///   - state: of the same model.
  ///   - clock: the clock from which the times of the step are read; they are relative to its epoch.
  public mutating func step(
    _ user: Span<Int32>, forcing tokens: Span<Int32>, into own: inout MutableSpan<Int32>,
    _ state: inout DialogueState, clock: RunClock = .monotonic
  ) -> DialogueStep {
    precondition(tokens.count == 1 + dialogue.streams.own, "one token for each of the model's rows")
    return tokens.withUnsafeBufferPointer { advance(user, $0.baseAddress, into: &own, &state, clock) }
  }

  private func advance(
    _ user: Span<Int32>, _ forced: UnsafePointer<Int32>?, into own: inout MutableSpan<Int32>,
    _ state: inout DialogueState, _ clock: RunClock
  ) -> DialogueStep {
    let streams = dialogue.streams
    precondition(user.count == streams.user && own.count == streams.own, "one code for each codebook")
    return request(user, forced, into: &own, &state, clock) { dialogue.advance($0, scratch) }
  }

  /// Hands on what one state hears and is given.
  ///
  /// - Parameter body: called once with the request.
  /// - Returns: what `body` leaves in the request's results.
  func request(
    _ user: Span<Int32>, _ forced: UnsafePointer<Int32>?, into own: inout MutableSpan<Int32>,
    _ state: inout DialogueState, _ clock: RunClock, _ body: (StepRequest) -> Void
  ) -> DialogueStep {
    precondition(state.dialogue === dialogue, "a state of another model")
    var result = DialogueStep()
    user.withUnsafeBufferPointer { user in
      own.withUnsafeMutableBufferPointer { own in
        withUnsafeMutablePointer(to: &state) { state in
          withUnsafeMutablePointer(to: &result) { result in
            withUnsafePointer(to: state) { states in
              body(
                StepRequest(
                  states: states, count: 1, user: user.baseAddress, forced: forced, own: own.baseAddress,
                  clock: clock, results: result, active: scratch.active))
            }
          }
        }
      }
    }
    return result
  }

  /// Logits of the last step's text token, [text outputs]; valid until the next step.
  package var textLogits: UnsafeBufferPointer<Float> { values(scratch.plan.speaker.textLogits) }

  /// Values of the last step's extra heads, [heads][width], after softmax; valid until the next step.
  package var extraHeads: UnsafeBufferPointer<Float> { values(scratch.plan.speaker.extra) }

  /// Logits of the last step's code in a row, [cardinality]; valid until the next step.
  package func codeLogits(_ row: Int) -> UnsafeBufferPointer<Float> {
    dialogue.speaker.codeLogits(row: row, scratch.plan.speaker, scratch.memory.view)
      ?? UnsafeBufferPointer(start: nil, count: 0)
  }

  /// The backbone's hidden state after the last step, [1][width]; valid until the next step.
  package var hidden: Hidden { dialogue.backbone.hidden(1, scratch.plan.backbone, scratch.memory.view) }

  private func values(_ region: Region<Float>) -> UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(start: scratch.memory.view[region], count: region.count)
  }
}
