internal import Kernels

/// Everything that a run of greedy steps computed, for comparison with another implementation; row-major.
package struct DialogueTrace: Sendable {
  package var text: [Int32] = []  // [steps]
  package var audio: [Int32] = []  // [steps][own], as drawn in the step
  package var output: [Int32] = []  // [steps][own], all of one frame; -1 while there is none
  package var textLogits: [Float] = []  // [steps][text outputs]
  package var audioLogits: [Float] = []  // [steps][own][cardinality]
  package var extraHeads: [Float] = []  // [steps][heads][width], after softmax
}

extension Dialogue {
  /// Runs greedy steps from a fresh state and keeps what they computed.
  ///
  /// - Parameter user: [steps][streams.user]
  /// - Throws: if `user` has the wrong length, or a condition is unknown.
  package func trace(
    _ user: [Int32], steps: Int, conditions: [String: String] = [:]
  ) throws(DialogueError) -> DialogueTrace {
    guard user.count == steps * streams.user else {
      throw .wrongCount(name: "user", expected: steps * streams.user, found: user.count)
    }
    var stepper = DialogueStepper(self)
    var state = try makeState(conditions: conditions)
    state.textSampling = .greedy
    state.audioSampling = .greedy
    var trace = DialogueTrace()
    for step in 0..<steps {
      var own = [Int32](repeating: -1, count: streams.own)
      var span = own.mutableSpan
      let result = stepper.step(
        user.span.extracting(step * streams.user..<(step + 1) * streams.user), into: &span, &state)
      trace.text.append(result.text)
      trace.output += own
      trace.textLogits += stepper.textLogits
      trace.extraHeads += stepper.extraHeads
      for row in 0..<streams.own { trace.audioLogits += stepper.codeLogits(row) }
      trace.audio += drawnCodes(state)
    }
    return trace
  }
}
