import Base
import Glibc
import Runtime

/// The frames of a benchmark: paced like sound, or one after the other.
struct BenchRun {
  private static let warmUp = 10

  private let options: BenchOptions
  private var clock: FrameClock
  private var metadata = RunMetadata()
  private var records: [FrameRecord] = []
  private let origin = MonotonicClock.microseconds
  private let frameTime: Int64

  /// - Parameter frameTime: microseconds.
  init(_ options: BenchOptions, frameTime: Int64, model: String, threads: Int) {
    self.options = options
    self.frameTime = frameTime
    // One after the other, frames still have deadlines: those of a file run.
    clock = FrameClock(options.flatOut ? .file : .live, frameMicroseconds: frameTime, origin: origin)
    metadata[RunMetadata.runID] = "bench-\(Host.date())"
    metadata["version"] = Antiphon.version
    metadata["model"] = model
    metadata["threads"] = String(threads)
    metadata["pace"] = options.flatOut ? "flat out" : "real time"
    metadata[RunMetadata.frameMicroseconds] = String(frameTime)
    metadata[RunMetadata.warmUpFrames] = String(Self.warmUp)
    metadata.describeHost()
    records.reserveCapacity(options.frames + Self.warmUp)
  }

  /// Runs every frame. `body` does the work, and marks in the record what it finished when.
  mutating func run(_ body: (inout FrameRecord, FrameClock) -> Void) -> LatencySummary {
    for frame in 0..<Int64(options.frames + Self.warmUp) where !Interruption.isRequested {
      let due = (frame + 1) * frameTime
      if !options.flatOut { sleep(until: due) }
      var record = FrameRecord()
      record.frame = frame
      let begun = clock.begin(frame: frame)
      record.captured = options.flatOut ? begun : due
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
