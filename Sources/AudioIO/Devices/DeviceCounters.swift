import Synchronization

/// The outcome of one iteration of a device loop.
package enum DeviceOutcome: Equatable, Sendable {
  /// This many frames were transferred.
  case moved(Int)
  /// Nothing to do yet.
  case idle
  /// An overrun or underrun (EPIPE); the device was restarted.
  case xrun
  /// This many samples at 24 kHz had waited too long and were skipped.
  case skipped(Int)
  /// The machine was suspended (ESTRPIPE); the device is resuming.
  case suspended
  /// The device is present but moved nothing for a long time; it was restarted.
  case stalled
  /// The device was lost (unplugged, or its server died).
  case lost
  /// The device is still lost.
  case away
  /// The device was reopened.
  case reopened
}

/// Counts of a device's events. One thread counts, any thread reads.
package final class DeviceCounters: Sendable {
  /// The counts at one moment.
  package struct Snapshot: Equatable, Sendable {
    package var xruns = 0
    package var suspensions = 0
    package var stalls = 0
    package var losses = 0
    package var reopens = 0
    /// Samples at 24 kHz that were skipped so that delay does not grow.
    package var skippedSamples = 0
    /// Samples of silence, at 24 kHz, that were played for want of sound.
    package var insertedSamples = 0
    /// How often sound ran out during a conversation.
    package var gaps = 0
  }

  private let xruns = Atomic<Int>(0)
  private let suspensions = Atomic<Int>(0)
  private let stalls = Atomic<Int>(0)
  private let losses = Atomic<Int>(0)
  private let reopens = Atomic<Int>(0)
  private let skipped = Atomic<Int>(0)
  private let inserted = Atomic<Int>(0)
  private let gaps = Atomic<Int>(0)

  func count(_ outcome: DeviceOutcome) {
    switch outcome {
    case .xrun: xruns.add(1, ordering: .relaxed)
    case .suspended: suspensions.add(1, ordering: .relaxed)
    case .stalled: stalls.add(1, ordering: .relaxed)
    case .lost: losses.add(1, ordering: .relaxed)
    case .reopened: reopens.add(1, ordering: .relaxed)
    case .skipped(let samples): skipped.add(samples, ordering: .relaxed)
    case .moved, .idle, .away: break
    }
  }

  func countInserted(_ samples: Int, isNewGap: Bool) {
    inserted.add(samples, ordering: .relaxed)
    if isNewGap { gaps.add(1, ordering: .relaxed) }
  }

  package var snapshot: Snapshot {
    Snapshot(
      xruns: xruns.load(ordering: .relaxed), suspensions: suspensions.load(ordering: .relaxed),
      stalls: stalls.load(ordering: .relaxed), losses: losses.load(ordering: .relaxed),
      reopens: reopens.load(ordering: .relaxed), skippedSamples: skipped.load(ordering: .relaxed),
      insertedSamples: inserted.load(ordering: .relaxed), gaps: gaps.load(ordering: .relaxed))
  }
}
