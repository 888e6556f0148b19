import Glibc

@testable import AudioIO

/// A device that does what a test tells it to: the sound card of the tests.
final class ScriptedPCM: PCM, @unchecked Sendable {
  var settings: PCMSettings
  /// Return values of the next calls of `transfer`, or of `update`, in place of doing the work.
  var failures: [Int32] = []
  /// An overrun or underrun, which the next call reports. Separate from `failures`, because it must not allocate.
  var hasRunOut = false
  var resumeResults: [Int32] = []
  /// How many attempts to reopen the device fail.
  var absences = 0
  /// Frames that wait to be read, or are queued to be played.
  var queued = 0
  /// The device's own clock, in frames.
  var frames = 0
  /// How much faster than its nominal rate the clock really runs, and the error of its timestamps, in nanoseconds.
  var rateError = 0.0
  var stampError: () -> Double = { 0 }
  private(set) var prepared = 0
  private(set) var started = 0
  private(set) var reopened = 0
  private(set) var isRunning = false
  /// What was played: the first channel.
  private(set) var output: [Float] = []
  /// What is recorded, by frame.
  var input: (Int) -> Float = { _ in 0 }
  var keepsOutput = true

  /// Misreports: what the calls return regardless of the truth.
  var transferLie: ((Int) -> Int)?
  var waitLie: (() -> Int)?
  var updateLie: ((inout PCMStatus) -> Int)?
  /// Time that the loop, or the device itself, has slept, in nanoseconds.
  var slept: UInt64 = 0
  private(set) var pauses = 0

  var now: UInt64 { 1_000_000_000 + UInt64(Double(frames) / Double(settings.rate) * 1e9) + slept }

  func pause(nanoseconds: UInt64) {
    pauses += 1
    slept += nanoseconds
  }

  init(
    _ direction: AudioDirection, rate: Int = 48_000, channels: Int = 1, format: SampleFormat = .float32,
    period: Int = 480, buffer: Int = 1440
  ) {
    settings = PCMSettings(
      direction: direction, rate: rate, channels: channels, format: format, periodFrames: period,
      bufferFrames: buffer)
    if keepsOutput { output.reserveCapacity(1 << 20) }
  }

  /// Lets time pass: frames arrive, or are played.
  func pass(_ count: Int) {
    frames += count
    guard isRunning else { return }
    switch settings.direction {
    case .capture: queued = min(queued + count, settings.bufferFrames)
    case .playback:
      queued -= count
      if queued < 0 {
        queued = 0
        hasRunOut = true
        isRunning = false
      }
    }
  }

  func transfer(_ raw: UnsafeMutableRawPointer, _ frames: Int) -> Int {
    if let transferLie { return transferLie(frames) }
    if let failure = nextFailure() { return failure }
    let size = settings.bytesPerFrame
    switch settings.direction {
    case .capture:
      let count = min(frames, queued)
      if count == 0 { return Int(-EAGAIN) }
      for index in 0..<count {
        var sample = input(self.frames - queued + index)
        withUnsafePointer(to: &sample) {
          settings.format.pack($0, frames: 1, channels: settings.channels, into: raw + index * size)
        }
      }
      queued -= count
      return count
    case .playback:
      let count = min(frames, settings.bufferFrames - queued)
      if count == 0 { return Int(-EAGAIN) }
      for index in 0..<count where keepsOutput {
        var sample: Float = 0
        settings.format.unpack(raw + index * size, frames: 1, channels: 1, into: &sample)
        output.append(sample)
      }
      queued += count
      return count
    }
  }

  func wait(milliseconds: Int) -> Int {
    if let waitLie { return waitLie() }
    if hasRunOut || failures.first.map({ $0 != EAGAIN }) == true { return nextFailure()! }
    switch settings.direction {
    case .capture: return queued >= settings.periodFrames || !failures.isEmpty ? 1 : 0
    case .playback: return settings.bufferFrames - queued >= settings.periodFrames ? 1 : 0
    }
  }

  func update(_ status: inout PCMStatus) -> Int {
    if let updateLie { return updateLie(&status) }
    status.available = settings.direction == .capture ? queued : settings.bufferFrames - queued
    status.delay = queued
    let time = Double(frames) / (Double(settings.rate) * (1 + rateError))
    status.nanoseconds = UInt64(1e9 + time * 1e9 + stampError())
    return settings.direction == .playback ? nextFailure() ?? 0 : 0
  }

  private func nextFailure() -> Int? {
    if hasRunOut {
      hasRunOut = false
      return Int(-EPIPE)
    }
    return failures.isEmpty ? nil : -Int(failures.removeFirst())
  }

  func prepare() -> Int {
    prepared += 1
    return 0
  }

  func start() -> Int {
    started += 1
    isRunning = true
    return 0
  }

  func resume() -> Int { resumeResults.isEmpty ? 0 : -Int(resumeResults.removeFirst()) }

  func drop() {
    queued = 0
    isRunning = false
  }

  func reopen() -> Bool {
    if absences > 0 {
      absences -= 1
      return false
    }
    reopened += 1
    return true
  }
}
