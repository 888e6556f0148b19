/// A stretch of speech on one side. Times are microseconds since the run's epoch.
struct Segment: Sendable, Equatable {
  /// Where the first loud window starts.
  var start: Int64
  /// Where the last loud window ends.
  var end: Int64
  /// Rows of the frame log that hold the first and the last loud window.
  var startRow: Int
  var endRow: Int
  /// The log ended before the silence that ends speech.
  var isOpen = false

  func contains(_ time: Int64) -> Bool { start <= time && time < end }

  /// Goes on to the end of a later stretch.
  mutating func extend(to later: Segment) {
    end = later.end
    endRow = later.endRow
    isOpen = later.isOpen
  }

  /// Microseconds that both stretches share.
  func overlap(_ other: Segment) -> Int64 { max(min(end, other.end) - max(start, other.start), 0) }
}

/// Finds speech by loudness: it starts with a run of loud windows and ends with a run of quiet ones.
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

  /// The next window of sound, in order of time.
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

  // Once reached, the count of a candidate stays above: pauses inside speech do not reset it.
  private var isSpeech: Bool { loud >= windowsToStart }
}
