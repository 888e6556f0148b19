import Base

/// The state of a live session for display, in plain values.
struct LiveStatus: Equatable {
  var seconds = 0.0
  var isMuted = false
  var userDecibels: Float = -120
  var ownDecibels: Float = -120
  var transcript = ""
  /// Milliseconds of work per frame, of the last minute.
  var median = 0.0
  var high = 0.0
  var frameMilliseconds = 80.0
  var queueMilliseconds = 0.0
  var late = 0
  var skipped = 0
  var unheard = 0
  var concealed = 0
  var gaps = 0
  var captureXruns = 0
  var playbackXruns = 0
  var stretch = 0.0
  /// How many times a thread has lost its real-time priority because it ran too long without sleeping.
  var demotions = 0
  /// Nil without a canceller.
  var echoLoss: Float?

  /// Counts of everything irregular, on one line.
  var events: String {
    "late \(late), skipped \(skipped), unheard \(unheard), concealed \(concealed), gaps \(gaps), "
      + "xruns \(captureXruns) in \(playbackXruns) out"
  }

  /// The figures on one line.
  var figures: String {
    let fixed = NumberText.fixed
    var line =
      "frame \(fixed(median, 1)) ms, p99 \(fixed(high, 1)) of \(fixed(frameMilliseconds, 0)); "
      + "queue \(fixed(queueMilliseconds, 0)) ms; \(events); speed \(fixed(stretch, 0)) ppm"
    if demotions > 0 { line += "; real-time priority was taken away: \(demotions)" }
    if let echoLoss { line += "; echo -\(fixed(Double(max(echoLoss, 0)), 0)) dB" }
    return line
  }
}
