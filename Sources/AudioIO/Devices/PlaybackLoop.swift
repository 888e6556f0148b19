internal import Base
import Glibc
import Synchronization

/// The playback thread's loop: ring -> the device's rate -> device.
///
/// It keeps the device from underrunning: if sound is missing at the last moment, a spare frame is played or, without
/// one, silence, which is counted. Once running it neither allocates nor locks, except to reopen a lost device.
final class PlaybackLoop<Device: PCM>: @unchecked Sendable {
  // Sound is taken from the ring in pieces of 2 ms.
  private static var pieceSize: Int { 48 }

  let device: Device
  let ring: SampleRing
  /// What is played where the ring runs dry.
  let spare: SpareSlot
  /// When each sample of the program passes the converter. Inserted silence counts as samples.
  let clock = StreamClock()
  /// When each sample of the program must be in the ring at the latest, or silence is played. Unlike the time at the
  /// converter it does not depend on a sound server's report: it follows from how full the device's buffer is.
  let dueClock = StreamClock()
  /// What the device was given, at its own rate, silence included.
  let played = PlayedSound()
  /// When each sample of `played` passes the converter.
  let playedClock: StreamClock
  let counters = DeviceCounters()
  /// Posted by the producer when the ring has more sound.
  let wake = Wake()
  /// How fast to drain the ring, as the bits of a Double.
  let stretchBits = Atomic<UInt64>((1.0).bitPattern)
  /// Samples of silence played so far, and samples of the ring that were discarded.
  let insertedSamples = Atomic<Int>(0)
  let flushedSamples = Atomic<Int>(0)
  /// A request to discard what is in the ring.
  let flushRequest = Atomic<Bool>(false)
  /// Set when the device was given up; from then on `iterate` only sleeps.
  let fault = FaultCell()
  /// Called after an underrun.
  private let onXrun: @Sendable () -> Void

  private var recovery = DeviceRecovery()
  private var watch: DeviceWatch?
  private var moved = 0  // frames in this iteration
  private var status = PCMStatus()
  private var path: Path
  private var taken = 0  // samples of the program, inserted silence included
  private var stretch = 1.0
  private var lastSample: Float = 0
  private var isSounding = false  // whether the last piece was sound
  private var wasEverSounding = false

  /// The buffers and the resampler for one configuration of the device.
  private struct Path {
    let raw: UnsafeMutableRawPointer  // (period, channels)
    let mono: UnsafeMutableBufferPointer<Float>  // (period)
    let piece: UnsafeMutableBufferPointer<Float>  // (pieceSize), at 24 kHz
    let resampler: Resampler
    var filled = 0  // frames in `mono`
    var written = 0  // how many of them the device has taken
    var pieceStart = 0, pieceEnd = 0  // the part of `piece` that the resampler has not taken
    var fed = 0  // samples that the resampler has taken

    init(_ settings: PCMSettings) {
      raw = .allocate(byteCount: settings.periodFrames * settings.bytesPerFrame, alignment: 16)
      mono = .allocate(capacity: settings.periodFrames)
      piece = .allocate(capacity: PlaybackLoop.pieceSize)
      resampler = Resampler(
        from: Double(AudioFrame.sampleRate), to: Double(settings.rate),
        maximumStretch: 1 + 2 * RateController.limit)
    }

    func free() {
      raw.deallocate()
      mono.deallocate()
      piece.deallocate()
    }
  }

  /// - Parameter isWatched: whether to give up a device whose reports cannot be true.
  init(
    device: Device, ring: SampleRing, spare: SpareSlot = SpareSlot(samplesPerFrame: 1, capacity: 1),
    onXrun: @escaping @Sendable () -> Void = {}, isWatched: Bool = true
  ) {
    precondition(device.settings.direction == .playback)
    self.device = device
    self.ring = ring
    self.spare = spare
    self.onXrun = onXrun
    path = Path(device.settings)
    playedClock = StreamClock(sampleRate: Double(device.settings.rate))
    watch = isWatched ? DeviceWatch(device.settings, now: device.now) : nil
  }

  deinit {
    path.free()
  }

  /// Fills the device with silence, so that it does not underrun before the first sound, and starts it.
  func begin() -> Bool {
    // A sound server may consume the first period before the second is written.
    for _ in 0..<5 {
      device.drop()
      guard device.prepare() >= 0 else { return false }
      path.filled = 0
      path.written = 0
      clock.restart()
      playedClock.restart()
      dueClock.restart()
      let error = prime()
      if error != Int(-EPIPE) { return error >= 0 }
    }
    return false
  }

  private func prime() -> Int {
    let period = device.settings.periodFrames
    device.settings.format.pack(
      silence(period), frames: period, channels: device.settings.channels, into: path.raw)
    var queued = 0
    while queued + period <= device.settings.bufferFrames {
      let moved = device.boundedTransfer(path.raw, period)
      if moved == Int(-EAGAIN) { break }
      if moved <= 0 { return moved < 0 ? moved : Int(-EIO) }
      queued += moved
      played.append(UnsafeBufferPointer(rebasing: path.mono[..<moved]))
    }
    // A device that starts on its own with its first periods is already running.
    _ = device.start()
    return device.boundedUpdate(&status)
  }

  private func silence(_ count: Int) -> UnsafePointer<Float> {
    path.mono.update(repeating: 0)
    return UnsafePointer(path.mono.baseAddress!)
  }

  func iterate() -> DeviceOutcome {
    if fault.fault != nil { return device.rest() }
    let start = device.now
    moved = 0
    let outcome = advance()
    counters.count(outcome)
    if outcome == .xrun || outcome == .reopened { onXrun() }
    if outcome == .reopened { watch?.adopt(device.settings) }
    if let verdict = watch?.see(outcome, frames: moved, from: start, to: device.now) {
      device.obey(verdict, fault)
    }
    return outcome
  }

  private func advance() -> DeviceOutcome {
    if recovery.isAway {
      let outcome = recovery.look(for: device) { begin() }
      if outcome == .reopened {
        renewPath()
        // What has waited all that time is late.
        flushedSamples.add(spare.stop() + ring.skip(.max), ordering: .relaxed)
      }
      return outcome
    }
    flushIfAsked()
    let error = device.boundedUpdate(&status)
    if error < 0 { return recover(error) }
    let period = device.settings.periodFrames
    if status.available < period {
      let ready = device.wait(milliseconds: 100)
      return ready < 0 ? recover(ready) : .idle
    }
    let queued = device.settings.bufferFrames - status.available
    let isLast = queued <= reserve
    guard fillPeriod(mayPad: isLast) else {
      let spare = Double(queued - reserve) / Double(device.settings.rate)
      wake.wait(nanoseconds: UInt64(min(max(spare, 0.0005), 0.1) * 1e9))
      return .idle
    }
    let given = device.boundedTransfer(
      path.raw + path.written * device.settings.bytesPerFrame, path.filled - path.written)
    if given < 0 { return recover(given) }
    if given == 0 { return .idle }
    moved = given
    observe(moved)
    path.written += moved
    if path.written == path.filled {
      path.filled = 0
      path.written = 0
    }
    return .moved(moved)
  }

  private func recover(_ error: Int) -> DeviceOutcome {
    recovery.recover(device, from: error) { begin() }
  }

  /// Frames that must still be queued when silence has to be written: a sound server relies on a full buffer.
  private var reserve: Int { device.settings.bufferFrames - device.settings.periodFrames }

  /// The frames just written begin where those queued before them end.
  private func observe(_ moved: Int) {
    let settings = device.settings
    let scale = Double(AudioFrame.sampleRate) / Double(settings.rate) * stretch
    // What the resampler holds and the rest of the period have not been written yet.
    let held = path.resampler.delay + Double(path.filled - path.written)
    let index = Double(taken - (path.pieceEnd - path.pieceStart)) - held * scale
    let time = status.nanoseconds &+ UInt64(Double(max(status.delay, 0)) * 1e9 / Double(settings.rate))
    clock.observe(index, at: time)
    playedClock.observe(Double(played.count), at: time)
    // The next sample is taken from the ring once what is queued, the rest of this period included, has shrunk to the
    // reserve.
    let ahead = settings.bufferFrames - status.available - reserve + path.filled - path.written
    dueClock.observe(
      Double(taken - (path.pieceEnd - path.pieceStart)),
      at: status.nanoseconds &+ UInt64(bitPattern: Int64(Double(ahead) * 1e9 / Double(settings.rate))))
    played.append(UnsafeBufferPointer(rebasing: path.mono[path.written..<path.written + moved]))
  }

  /// Prepares a whole period in `raw`; false while the ring does not have enough and silence is not yet due.
  private func fillPeriod(mayPad: Bool) -> Bool {
    let period = device.settings.periodFrames
    guard path.filled < period || path.written == 0 else { return true }
    if path.written > 0 { return true }
    let wanted = Double(bitPattern: stretchBits.load(ordering: .relaxed))
    if wanted != stretch {
      stretch = wanted
      path.resampler.setStretch(wanted, slew: period)
    }
    while path.filled < period {
      if path.pieceStart == path.pieceEnd, !takePiece(mayPad: mayPad) { return false }
      let (used, made) = path.resampler.process(
        .init(rebasing: path.piece[path.pieceStart..<path.pieceEnd]),
        into: .init(rebasing: path.mono[path.filled..<period]))
      path.pieceStart += used
      path.filled += made
    }
    device.settings.format.pack(
      path.mono.baseAddress!, frames: period, channels: device.settings.channels, into: path.raw)
    return true
  }

  private func takePiece(mayPad: Bool) -> Bool {
    let piece = path.piece
    var span = piece.mutableSpan
    var count = read(into: &span, isLast: mayPad)
    if count > 0 {
      isSounding = true
      wasEverSounding = true
    } else {
      guard mayPad else { return false }
      count = path.piece.count
      for index in 0..<count {
        // The last sample fades out, because a jump to 0 would click.
        lastSample *= 0.93
        path.piece[index] = lastSample
      }
      insertedSamples.add(count, ordering: .relaxed)
      if wasEverSounding { counters.countInserted(count, isNewGap: isSounding) }
      isSounding = false
    }
    path.pieceStart = 0
    path.pieceEnd = count
    lastSample = path.piece[count - 1]
    taken += count
    return true
  }

  /// The next sound: the rest of a spare frame that was begun, what is in the ring or, at the last moment, the next spare.
  private func read(into piece: inout MutableSpan<Float>, isLast: Bool) -> Int {
    if spare.isPlaying { return spare.read(into: &piece) }
    let count = ring.read(into: &piece)
    // After a flush, or without a sound yet, silence is what is asked for.
    guard count == 0, isLast, wasEverSounding, spare.begin() else { return count }
    return spare.read(into: &piece)
  }

  private func flushIfAsked() {
    guard flushRequest.exchange(false, ordering: .acquiringAndReleasing) else { return }
    flushedSamples.add(spare.stop() + ring.skip(.max), ordering: .relaxed)
    // The silence that follows was requested, so it is not a gap.
    wasEverSounding = false
  }

  private func renewPath() {
    path.free()
    path = Path(device.settings)
    path.resampler.setStretch(stretch, slew: 0)
  }
}
