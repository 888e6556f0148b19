/// Detects speech by loudness: it starts with a run of loud windows and ends with a run of quiet ones.
struct SpeechSegments: Sendable {
  /// A window at or above this is loud.
  let threshold: Float
  /// Loud windows in a row that start speech.
  let windowsToStart: Int
  /// Quiet windows in a row that end speech.
  let windowsToEnd: Int

  private var finished: [Segment] = []
  private var candidate: Segment?
  private var loud = 0
  private var quiet = 0

  init(threshold: Float, windowsToStart: Int, windowsToEnd: Int) {
    self.threshold = threshold
    self.windowsToStart = windowsToStart
    self.windowsToEnd = windowsToEnd
  }

  /// Adds the next window of sound, in chronological order.
  mutating func append(_ decibels: Float, from start: Int64, to end: Int64, row: Int) {
    if decibels >= threshold {
      loud += 1
      quiet = 0
      if candidate == nil { candidate = Segment(start: start, end: end, startRow: row, endRow: row) }
      candidate?.end = end
      candidate?.endRow = row
      return
    }
    quiet += 1
    if !isSpeech {
      candidate = nil
      loud = 0
    } else if quiet >= windowsToEnd, let segment = candidate {
      finished.append(segment)
      candidate = nil
      loud = 0
    }
  }

  /// Every stretch so far, the unfinished one included.
  var segments: [Segment] {
    guard isSpeech, var last = candidate else { return finished }
    last.isOpen = true
    return finished + [last]
  }

  // The count stays above the threshold once it is reached: pauses within speech do not reset it.
  private var isSpeech: Bool { loud >= windowsToStart }
}
