@testable import Latency

/// Dialogues drawn as text: one character is one frame of 80 ms, `-` is silence, anything else is speech.
enum Marble {
  static let loud = Loudness(repeating: -20)

  /// Stretches of speech in a drawing, in frames of 80 ms.
  static func segments(_ drawing: String) -> [Segment] {
    var speech = SpeechSegments(threshold: -45, windowsToStart: 2, windowsToEnd: 3)
    for (row, character) in drawing.enumerated() {
      let start = Int64(row) * 80_000
      for window in 0..<8 {
        let from = start + Int64(window) * 10_000
        speech.append(character == "-" ? -90 : -20, from: from, to: from + 10_000, row: row)
      }
    }
    return speech.segments
  }

  /// Records of a run in which the person and the model speak as drawn. In `text`, `-` is padding and any
  /// other character is a word. Encoding takes 5 ms, the step 20, decoding 3.
  static func records(user: String, own: String, text: String? = nil) -> [FrameRecord] {
    let text = Array(text ?? String(repeating: "-", count: user.count))
    precondition(user.count == own.count && user.count == text.count)
    return zip(user, own).enumerated().map { index, sides in
      var record = FrameRecord()
      let arrival = Int64(index + 1) * 80_000
      record.frame = Int64(index)
      record.userSampleEnd = Int64(index + 1) * 1920 - 1
      record.captured = arrival
      record.encodeStart = arrival
      record.encodeEnd = arrival + 5_000
      record.stepStart = arrival + 5_000
      record.depthEnd = arrival + 25_000
      record.decodeEnd = arrival + 28_000
      record.written = arrival + 28_100
      record.deadline = arrival + 80_000
      record.textID = text[index] == "-" ? 3 : Int64(text[index].asciiValue ?? 0)
      record.textIsPadding = text[index] == "-"
      record.userLoudness = sides.0 == "-" ? .silence : loud
      record.ownLoudness = sides.1 == "-" ? .silence : loud
      return record
    }
  }

  static func turns(
    user: String, own: String, text: String? = nil, delay: Int = 0, labels: [Range<Int64>]? = nil
  ) -> [Turn] {
    var metadata = RunMetadata()
    metadata[RunMetadata.acousticDelayFrames] = String(delay)
    var finder = TurnFinder(metadata: metadata, labels: labels)
    for record in records(user: user, own: own, text: text) { finder.append(record) }
    return finder.turns { String(decoding: $0.map { UInt8($0) }, as: UTF8.self) }
  }
}

extension Loudness {
  init(repeating decibels: Float) {
    self.init()
    windowDecibels = .init(repeating: decibels)
    self.decibels = decibels
  }
}
