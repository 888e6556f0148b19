internal import Dialogue
internal import Latency

/// Decides how many frames one pass of the backbone serves: several only while the model holds the floor and the person
/// is silent, because what a person says between two passes is heard late.
struct DraftPace: Sendable {
  // Above it somebody speaks (10 ms windows, dB of full scale), and for so many frames after it the model has not stopped.
  private static let speechDecibels: Float = -45
  private static let pauseFrames = 6

  private let most: Int
  private var quietFrames = DraftPace.pauseFrames
  private var isPersonLoud = false

  init(_ prediction: Prediction) { most = prediction.framesPerPass }

  /// Whether there is anything to decide.
  var isAdaptive: Bool { most > 1 }

  var framesPerPass: Int { isPersonLoud || quietFrames >= Self.pauseFrames ? 1 : most }

  /// - Parameter frame: the person's samples.
  mutating func hear(_ frame: Span<Float>) {
    if isAdaptive { isPersonLoud = Loudness(frame).decibels > Self.speechDecibels }
  }

  /// - Parameter reply: the model's samples.
  mutating func speak(_ reply: borrowing MutableSpan<Float>) {
    guard isAdaptive else { return }
    quietFrames = Loudness(reply.span).decibels > Self.speechDecibels ? 0 : quietFrames + 1
  }
}
