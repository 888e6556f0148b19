package import AudioIO
internal import Base
package import Latency
internal import Synchronization

/// The computing thread of a live session: microphone -> `LiveEngine.step` -> loudspeaker, frame by frame.
///
/// Queues on both sides are bounded: the oldest frames are skipped and counted, so that delay cannot grow. Where the
/// engine makes spare frames, they are offered to the loudspeaker, which begins one if the next step is late: that is
/// decided in its thread, and the loop learns of it when the step is done. The type is generic over the two devices, so
/// that tests can replace them.
package final class LiveLoop<Input: Microphone, Output: Loudspeaker>: @unchecked Sendable {
  /// The most frames of the person that may wait; beyond that the oldest are skipped.
  private static var backlogFrames: Int { 2 }

  /// One row per frame, for the display.
  package let log = FrameLog(capacity: 256)
  /// The same rows for the latency logs, if they are written.
  var latencyLog: FrameLog?
  /// Sound and codes of every frame, for the recording, if there is one.
  var tape: LiveTape?
  /// Makes one step in so many begin late, for tests.
  var hold: LiveOptions.Hold?

  private let input: Input
  private let output: Output
  private let wake: Wake
  private let samplesPerFrame: Int
  private let isStopping = Atomic<Bool>(false)
  private let muted: Atomic<Bool>
  private let frames = Atomic<Int>(0)
  private let late = Atomic<Int>(0)
  private let skipped = Atomic<Int>(0)
  private let unheard = Atomic<Int>(0)
  private let concealed = Atomic<Int>(0)
  private var isStalled = false

  /// - Parameter wake: posted by the microphone whenever it has more sound.
  init(_ input: Input, _ output: Output, wake: Wake, samplesPerFrame: Int, isMuted: Bool = false) {
    self.input = input
    self.output = output
    self.wake = wake
    self.samplesPerFrame = samplesPerFrame
    muted = Atomic<Bool>(isMuted)
  }

  package var counts: LiveCounts {
    LiveCounts(
      frames: frames.load(ordering: .relaxed), late: late.load(ordering: .relaxed),
      skipped: skipped.load(ordering: .relaxed), unheard: unheard.load(ordering: .relaxed),
      concealed: concealed.load(ordering: .relaxed))
  }

  /// While muted the model hears silence, and the conversation goes on.
  package var isMuted: Bool {
    get { muted.load(ordering: .relaxed) }
    set { muted.store(newValue, ordering: .relaxed) }
  }

  /// Makes `run` return. Any thread may call it.
  func stop() {
    isStopping.store(true, ordering: .releasing)
    wake.post()
  }

  /// Runs until `stop`. Nothing in the loop allocates, locks, throws or prints.
  func run(_ engine: inout some LiveEngine & ~Copyable, _ clock: RunClock) {
    var frame = [Float](repeating: 0, count: samplesPerFrame)
    var reply = frame
    var spare = SpareOffer(frames: engine.spareFrames, samplesPerFrame: samplesPerFrame)
    while let captured = listen(&frame) {
      let capture = Capture(
        complete: clock.now, hardware: captured == 0 ? nil : clock.time(nanoseconds: captured),
        lastSample: Int64(input.position - 1))
      holdUp()
      var span = reply.mutableSpan
      var step = engine.step(frame.span, into: &span, clock: clock)
      let delivery = speak(&step, &span, &engine, &spare, clock)
      var record = FrameRecord(
        frame: frames.load(ordering: .relaxed), capture, step, delivery, heard: frame.span, said: reply.span)
      record.captureOverruns = Int64(input.overruns)
      record.playbackUnderruns = Int64(output.underruns)
      log.append(record)
      latencyLog?.append(record)
      if let tape { engine.withCodes { tape.append(frame.span, reply.span, heard: $0, said: $1, record) } }
      frames.add(1, ordering: .relaxed)
      spare.renew(&engine, output, mayWait: !step.isConcealed || input.count < samplesPerFrame)
    }
  }

  /// Waits for the person's next frame. Returns when its last sample was captured, 0 if that is unknown, and nil when
  /// the session ends.
  private func listen(_ frame: inout [Float]) -> UInt64? {
    let frameNanoseconds = UInt64(samplesPerFrame) * 1_000_000_000 / UInt64(AudioFrame.sampleRate)
    // A device may need time to start. After that, frames that do not arrive are replaced by silence one by one.
    let patience: UInt64 =
      input.position == 0 ? 2_000_000_000 : isStalled ? frameNanoseconds : 3 * frameNanoseconds
    let start = MonotonicClock.now
    while input.count < samplesPerFrame {
      if isStopping.load(ordering: .acquiring) { return nil }
      let waited = MonotonicClock.now - start
      if waited >= patience {
        isStalled = true
        miss(&frame)
        return 0
      }
      wake.wait(nanoseconds: patience - waited)
    }
    if isStopping.load(ordering: .acquiring) { return nil }
    isStalled = false
    let waiting = input.count / samplesPerFrame
    if waiting > Self.backlogFrames {
      // The newest frame is kept: older ones would be answered late.
      let surplus = waiting - 1
      _ = input.skip(surplus * samplesPerFrame)
      skipped.add(surplus, ordering: .relaxed)
    }
    var span = frame.mutableSpan
    _ = input.read(into: &span)
    if muted.load(ordering: .relaxed) { silence(&frame) }
    return input.captureTime(of: input.position) ?? 0
  }

  /// The microphone gave no complete frame: silence replaces it, and the partial frame is discarded.
  private func miss(_ frame: inout [Float]) {
    _ = input.skip(.max)
    silence(&frame)
    unheard.add(1, ordering: .relaxed)
  }

  private func silence(_ frame: inout [Float]) {
    for index in frame.indices { frame[index] = 0 }
  }

  /// Enqueues the reply, unless a spare frame was begun in its place.
  private func speak(
    _ step: inout Conversation.Step, _ reply: inout MutableSpan<Float>,
    _ engine: inout some LiveEngine & ~Copyable, _ spare: inout SpareOffer, _ clock: RunClock
  ) -> Delivery {
    let receipt: PlaybackReceipt
    if spare.settle(output), engine.concede(&step, into: &reply) {
      concealed.add(1, ordering: .relaxed)
      receipt = output.concede(reply.span)
    } else {
      receipt = output.enqueue(reply.span)
      if receipt.slackSeconds < 0 { late.add(1, ordering: .relaxed) }
    }
    return Delivery(
      written: clock.time(nanoseconds: receipt.writtenNanoseconds),
      deadline: clock.time(nanoseconds: receipt.dueNanoseconds),
      played: clock.time(nanoseconds: receipt.dacNanoseconds),
      delaySamples: Int64(max(receipt.delaySeconds, 0) * Double(AudioFrame.sampleRate)))
  }

  /// For tests of lateness: sleeps as long as it is asked to.
  private func holdUp() {
    guard let hold, frames.load(ordering: .relaxed) % hold.every == hold.every - 1 else { return }
    MonotonicClock.sleep(nanoseconds: hold.nanoseconds)
  }
}

/// Counts of irregular frames in a live session.
package struct LiveCounts: Equatable, Sendable {
  package var frames = 0
  /// Frames of the reply that were ready only after the loudspeaker had run out of sound.
  package var late = 0
  /// Frames of the person that were skipped because the computer was behind.
  package var skipped = 0
  /// Frames that the microphone did not give: the model heard silence.
  package var unheard = 0
  /// Frames of the reply that came too late and for which a spare frame was played.
  package var concealed = 0
}
