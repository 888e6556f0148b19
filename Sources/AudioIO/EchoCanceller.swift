import Glibc
import Synchronization

/// How the loudspeaker is kept out of the microphone.
package enum EchoMode: String, CaseIterable, Sendable {
  /// Not at all: for headphones, or where the sound server does it.
  case none
  /// With the adaptive filter.
  case builtin
  /// The microphone is silent while the loudspeaker speaks. The person cannot interrupt.
  case halfDuplex = "half-duplex"
}

/// Takes what was played out of what was captured. Works in the capture thread.
///
/// The reference is what the playback thread really played, found by the two devices' own clocks: it is the sound
/// that left the loudspeaker at the moment when the block was captured.
package final class EchoCanceller: @unchecked Sendable {
  // The clocks are a few milliseconds uncertain, and a filter cannot look into the future.
  private static let lead = 0.008  // seconds
  private static let tolerance = 0.006  // seconds
  // How fast the reading place follows the clocks, in rad/s: slow enough to see through their jitter.
  private static let follow = 0.3
  // Above -50 dBFS the loudspeaker is speaking.
  private static let threshold: Float = 1e-5
  private static let holdBlocks = 25

  package let mode: EchoMode
  private let played: PlayedSound
  private let clock: StreamClock
  private let filter: EchoFilter?
  private let reference: UnsafeMutableBufferPointer<Float>

  private let rate: Double  // of what was played
  private let ratio: Double  // samples of it for each of the microphone's
  private let interpolator: FractionalDelay
  private let surroundings: UnsafeMutableBufferPointer<Float>  // a block and what lies around it
  // Where in what was played the next block begins, and how much faster it passes than the rates say.
  private var position: Double?
  private var speed = 1.0
  private var error = 0.0
  private var heldBlocks = 0
  private var powerBefore: Float = 0
  private var powerAfter: Float = 0
  private let sharedLoss = Atomic<UInt32>(0)
  private let alignments = Atomic<Int>(0)

  /// - Parameters:
  ///   - played: what the loudspeaker plays.
  ///   - clock: when it plays it.
  ///   - rate: samples per second of what it plays.
  package init(_ mode: EchoMode, played: PlayedSound, clock: StreamClock, rate: Int) {
    self.mode = mode
    self.rate = Double(rate)
    ratio = Double(rate) / Double(AudioFrame.sampleRate)
    interpolator = FractionalDelay(ratio: ratio)
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
  /// The user's own voice, when both speak, makes it look smaller than it is.
  package var returnLoss: Float { Float(bitPattern: sharedLoss.load(ordering: .relaxed)) }

  /// How often the reference was set against the microphone anew.
  package var realignments: Int { alignments.load(ordering: .relaxed) }

  /// Cleans `EchoFilter.blockSize` samples in place.
  ///
  /// - Parameter capturedAt: when the first of them was captured; nil while that is not known.
  package func process(_ block: UnsafeMutablePointer<Float>, capturedAt: UInt64?) {
    guard mode != .none else { return }
    align(capturedAt)
    guard let start = position else { return }
    readReference(from: start)
    let before = Self.power(block)
    switch mode {
    case .none: break
    case .builtin: filter?.process(block, played: reference.baseAddress!)
    case .halfDuplex: silence(block)
    }
    if Self.power(reference.baseAddress!) > Self.threshold { measure(before, Self.power(block)) }
  }

  private func align(_ capturedAt: UInt64?) {
    guard let capturedAt, let index = clock.index(at: capturedAt) else { return }
    let ideal = index + Self.lead * rate
    if let position {
      let difference = (ideal - position) / rate
      error += 0.02 * (difference - error)
      if abs(error) <= Self.tolerance {
        // The two clocks differ, and the loudspeaker's queue is steered: a loop of second order follows both.
        let interval = Double(EchoFilter.blockSize) / Double(AudioFrame.sampleRate)
        speed += Self.follow * Self.follow * difference * interval
        speed = min(max(speed, 0.99), 1.01)
        self.position = position + 2 * Self.follow * difference * interval * rate
        return
      }
    }
    // A large step is an interruption.
    position = ideal
    speed = 1
    error = 0
    alignments.add(1, ordering: .relaxed)
  }

  private func readReference(from start: Double) {
    let first = Int(start.rounded(.down)) - interpolator.reach
    played.copy(from: first, into: surroundings)
    for index in 0..<EchoFilter.blockSize {
      reference[index] = interpolator.read(
        UnsafePointer(surroundings.baseAddress!), at: start - Double(first) + Double(index) * speed * ratio)
    }
    position = start + Double(EchoFilter.blockSize) * speed * ratio
  }

  private func silence(_ block: UnsafeMutablePointer<Float>) {
    // The reference leads, so the gate closes before the echo arrives; it stays closed while the room rings.
    if Self.power(reference.baseAddress!) > Self.threshold { heldBlocks = Self.holdBlocks }
    guard heldBlocks > 0 else { return }
    heldBlocks -= 1
    block.update(repeating: 0, count: EchoFilter.blockSize)
  }

  private func measure(_ before: Float, _ after: Float) {
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
