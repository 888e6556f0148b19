import Glibc
import Synchronization

/// How the loudspeaker's sound is kept out of the microphone.
package enum EchoMode: String, CaseIterable, Sendable {
  /// Not at all: for headphones, or if the sound server cancels the echo.
  case none
  /// By an adaptive filter.
  case builtin
  /// The microphone is silent while the loudspeaker speaks. The person cannot interrupt.
  case halfDuplex = "half-duplex"
}

/// Removes the played sound from the captured sound. It runs in the capture thread.
///
/// The reference is the sound that the playback thread actually played. It is aligned by the two devices' own clocks:
/// it is what left the loudspeaker at the moment when the block was captured.
package final class EchoCanceller: @unchecked Sendable {
  // The clocks of a sound server are uncertain by up to 20 ms, and the filter is causal.
  private static let lead = 0.02  // seconds
  // Above -50 dBFS the loudspeaker is speaking.
  private static let threshold: Float = 1e-5
  private static let holdBlocks = 25

  package let mode: EchoMode
  private let played: PlayedSound
  private let clock: StreamClock
  private let filter: EchoFilter?
  private let reference: UnsafeMutableBufferPointer<Float>

  private let rate: Double  // of the played sound
  private let ratio: Double  // played samples per sample of the microphone
  private let interpolator: FractionalDelay
  private let surroundings: UnsafeMutableBufferPointer<Float>  // a block and the samples around it
  private var track: ReferenceTrack
  private var heldBlocks = 0
  private var powerBefore: Float = 0
  private var powerAfter: Float = 0
  private let sharedLoss = Atomic<UInt32>(0)
  private let energyBefore = Atomic<UInt64>(0)
  private let energyAfter = Atomic<UInt64>(0)
  private let alignments = Atomic<Int>(0)

  /// - Parameters:
  ///   - played: the sound that the loudspeaker plays.
  ///   - clock: when the loudspeaker plays it.
  ///   - rate: samples per second of the played sound.
  package init(_ mode: EchoMode, played: PlayedSound, clock: StreamClock, rate: Int) {
    self.mode = mode
    self.rate = Double(rate)
    ratio = Double(rate) / Double(AudioFrame.sampleRate)
    interpolator = FractionalDelay(ratio: ratio)
    track = ReferenceTrack(
      blockSeconds: Double(EchoFilter.blockSize) / Double(AudioFrame.sampleRate), rate: Double(rate))
    self.played = played
    self.clock = clock
    filter = mode == .builtin ? EchoFilter() : nil
    reference = .allocate(capacity: EchoFilter.blockSize)
    reference.initialize(repeating: 0)
    surroundings = .allocate(
      capacity: Int(Double(EchoFilter.blockSize) * ratio * 1.02) + 3 * interpolator.reach)
    surroundings.initialize(repeating: 0)
  }

  deinit {
    surroundings.deallocate()
    reference.deallocate()
  }

  /// Echo return loss enhancement in dB over the last second in which the loudspeaker spoke; 0 before that.
  ///
  /// When both sides speak, the user's own voice makes it appear smaller than it is.
  package var returnLoss: Float { Float(bitPattern: sharedLoss.load(ordering: .relaxed)) }

  /// Energy of the captured sound while the loudspeaker spoke, before and after cancelling, in samples of full scale.
  package var energies: (before: Double, after: Double) {
    (
      Double(bitPattern: energyBefore.load(ordering: .relaxed)),
      Double(bitPattern: energyAfter.load(ordering: .relaxed))
    )
  }

  /// How often the reference was realigned with the microphone.
  package var realignments: Int { alignments.load(ordering: .relaxed) }

  /// Cleans `EchoFilter.blockSize` samples in place.
  ///
  /// - Parameters:
  ///   - capturedAt: when the first of them was captured; nil if not known.
  ///   - jitter: jitter of the microphone's clock, in seconds.
  ///   - interruptions: how often the microphone's stream was interrupted.
  package func process(
    _ block: UnsafeMutablePointer<Float>, capturedAt: UInt64?, jitter: Double = 0, interruptions: Int = 0
  ) {
    guard mode != .none else { return }
    let ideal = capturedAt.flatMap { clock.index(at: $0) }.map { $0 + Self.lead * rate }
    guard
      let start = track.advance(
        ideal: ideal, jitter: jitter + clock.jitter, interruptions: interruptions &+ clock.restarts)
    else { return }
    alignments.store(track.alignments, ordering: .relaxed)
    readReference(from: start)
    let before = Self.power(block)
    switch mode {
    case .none: break
    case .builtin: filter?.process(block, played: reference.baseAddress!)
    case .halfDuplex: silence(block)
    }
    if Self.power(reference.baseAddress!) > Self.threshold { measure(before, Self.power(block)) }
  }

  private func readReference(from start: Double) {
    let first = Int(start.rounded(.down)) - interpolator.reach
    played.copy(from: first, into: surroundings)
    let step = track.speed * ratio
    for index in 0..<EchoFilter.blockSize {
      reference[index] = interpolator.read(
        UnsafePointer(surroundings.baseAddress!), at: start - Double(first) + Double(index) * step)
    }
  }

  private func silence(_ block: UnsafeMutablePointer<Float>) {
    // The reference leads, so the gate closes before the echo arrives; it stays closed while the room still
    // reverberates.
    if Self.power(reference.baseAddress!) > Self.threshold { heldBlocks = Self.holdBlocks }
    guard heldBlocks > 0 else { return }
    heldBlocks -= 1
    block.update(repeating: 0, count: EchoFilter.blockSize)
  }

  private func measure(_ before: Float, _ after: Float) {
    let total = energies
    let size = Double(EchoFilter.blockSize)
    energyBefore.store((total.before + size * Double(before)).bitPattern, ordering: .relaxed)
    energyAfter.store((total.after + size * Double(after)).bitPattern, ordering: .relaxed)
    powerBefore += 0.01 * (before - powerBefore)
    powerAfter += 0.01 * (after - powerAfter)
    let loss = 10 * log10((powerBefore + 1e-12) / (powerAfter + 1e-12))
    sharedLoss.store(loss.bitPattern, ordering: .relaxed)
  }

  private static func power(_ block: UnsafePointer<Float>) -> Float {
    var sum: Float = 0
    for index in 0..<EchoFilter.blockSize { sum += block[index] * block[index] }
    return sum / Float(EchoFilter.blockSize)
  }
}
