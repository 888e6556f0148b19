internal import Base

/// The description of a run: the `# key=value` lines at the head of `frames.csv`, in order.
package struct RunMetadata: Sendable, Equatable {
  package private(set) var keys: [String] = []
  private var values: [String: String] = [:]

  package init() {}

  /// A value, or nil if it is not known. Setting nil removes the key. Line breaks in a value become spaces.
  package subscript(_ key: String) -> String? {
    get { values[key] }
    set {
      precondition(!key.isEmpty && !key.contains("=") && !key.contains("\n"), "a key is one word")
      if values[key] == nil, newValue != nil { keys.append(key) }
      if newValue == nil { keys.removeAll { $0 == key } }
      values[key] = newValue.map { String($0.map { $0.isNewline ? " " : $0 }) }
    }
  }

  /// A value as an integer, if it is one that arithmetic can handle.
  package func integer(_ key: String) -> Int64? {
    values[key].flatMap { Int64($0) }.flatMap { $0.magnitude <= 1 << 50 ? $0 : nil }
  }

  /// The same above 0.
  package func positive(_ key: String) -> Int64? { integer(key).flatMap { $0 > 0 ? $0 : nil } }
}

extension RunMetadata {
  /// Adds what is known about the machine.
  package mutating func describeHost() { Host.describe { self[$0] = $1 } }

  // Keys whose values the summary uses. All others are copied unchanged.
  package static let runID = "run_id"
  /// Frames at the start of a session that the stage percentiles leave out.
  package static let warmUpFrames = "warmup_frames"
  /// Frames between a semantic code and the sound that holds it.
  package static let acousticDelayFrames = "acoustic_delay_frames"
  /// From the start of the process to the run's epoch, in microseconds.
  package static let startMicroseconds = "start_us"
  package static let frameMicroseconds = "frame_us"
  package static let sampleRate = "sample_rate"
}
