/// How far a conversation runs ahead of its backbone, by the columns that the model's drafter guesses.
public struct Prediction: Sendable, Equatable {
  /// Whether the codes that the delays keep back are played as drafted, a step sooner, and remembered as said.
  public var isEarly: Bool
  /// Frames for which the backbone runs once: 1 runs it in every step. In the others the drafted columns are said, and
  /// the next pass takes them in as one block. May be changed between steps.
  public var framesPerPass: Int
  /// Drafts that are kept beside these, to be played when a step is late.
  public var spare: Int
  /// Whether every pass tells how likely the backbone finds what was said as drafted (`DialogueStep.regret`). The depth
  /// transformer then runs for those columns, too.
  public var isMeasured: Bool

  /// - Parameters:
  ///   - isEarly: whether frames are said a step sooner.
  ///   - framesPerPass: frames for one pass of the backbone, from 1.
  ///   - spare: further columns to draft.
  ///   - isMeasured: whether regret is measured.
  public init(isEarly: Bool = false, framesPerPass: Int = 1, spare: Int = 0, isMeasured: Bool = false) {
    (self.isEarly, self.framesPerPass, self.spare) = (isEarly, framesPerPass, spare)
    self.isMeasured = isMeasured
  }

  /// The backbone alone.
  public static let none = Prediction()

  /// Modules of a drafter that it needs.
  package var modules: Int { draftedColumns }

  /// Columns that a pass drafts.
  var draftedColumns: Int { (isEarly ? 1 : 0) + framesPerPass - 1 + spare }

  /// Drafted columns that a step without a pass needs: its own, and the one whose codes it plays early.
  var draftsForStep: Int { isEarly ? 2 : 1 }
}

extension Dialogue {
  /// Throws where the drafter has too few modules, no row is delayed, or a number is out of its range.
  package func check(_ prediction: Prediction) throws(DialogueError) {
    try DialogueError.check("framesPerPass", prediction.framesPerPass, 1...1 + DraftConfiguration.mostModules)
    try DialogueError.check("spare", prediction.spare, 0...DraftConfiguration.mostModules)
    guard prediction.draftedColumns <= draftedColumns else {
      throw .tooFewModules(needed: prediction.draftedColumns, present: draftedColumns)
    }
    guard !prediction.isEarly || streams.maxDelay > 0 else { throw .noDelay }
  }
}
