internal import Base
internal import Glibc
package import Latency
internal import Runtime

/// The frames of a benchmark, either at the pace of sound or back to back.
package struct BenchRun {
  /// How many frames, and when they come.
  package struct Pace: Sendable {
    /// Frames to measure, after ten to warm up.
    package var frames: Int
    /// Whether a frame starts as soon as the previous one is done, instead of every 80 ms.
    package var isFlatOut: Bool

    package init(frames: Int, isFlatOut: Bool) {
      self.frames = frames
      self.isFlatOut = isFlatOut
    }
  }

  private static let warmUp = 10

  private let pace: Pace
  private var clock: FrameClock
  private var metadata = RunMetadata()
  private var records: [FrameRecord] = []
  private let origin = MonotonicClock.microseconds
  private let frameTime: Int64

  /// - Parameters:
  ///   - frameTime: microseconds between two frames.
  ///   - model: what is measured, for the head of the log.
  ///   - version: version of this program.
  package init(_ pace: Pace, frameTime: Int64, model: String, threads: Int, version: String) {
    self.pace = pace
    self.frameTime = frameTime
    // Frames that run back to back have deadlines, too: those of a file run.
    clock = FrameClock(pace.isFlatOut ? .file : .live, frameMicroseconds: frameTime, origin: origin)
    metadata[RunMetadata.runID] = "bench-\(Host.date())"
    metadata["version"] = version
    metadata["model"] = FileSystem.readable(model)
    metadata["threads"] = String(threads)
    metadata["pace"] = pace.isFlatOut ? "flat out" : "real time"
    metadata[RunMetadata.frameMicroseconds] = String(frameTime)
    metadata[RunMetadata.warmUpFrames] = String(Self.warmUp)
    metadata.describeHost()
    records.reserveCapacity(pace.frames + Self.warmUp)
  }

  /// Runs every frame. `body` does the work, and records when each stage was done.
  package mutating func run(_ body: (inout FrameRecord, FrameClock) -> Void) -> LatencySummary {
    for frame in 0..<Int64(pace.frames + Self.warmUp) where !Interruption.isRequested {
      let due = (frame + 1) * frameTime
      if !pace.isFlatOut { sleep(until: due) }
      var record = FrameRecord()
      record.frame = frame
      let begun = clock.begin(frame: frame)
      record.captured = pace.isFlatOut ? begun : due
      record.deadline = due + frameTime
      body(&record, clock)
      record.written = clock.now()
      clock.end()
      records.append(record)
    }
    return LatencySummary(metadata: metadata, frames: records, turns: [])
  }

  private func sleep(until due: Int64) {
    let wait = due - (MonotonicClock.microseconds - origin)
    if wait > 0 { usleep(UInt32(wait)) }
  }
}
