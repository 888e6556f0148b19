import Glibc

/// Mixes several channels to one.
///
/// Two channels become their mean; more are weighted by the positions of their loudspeakers. Where the channels cancel
/// each other, as with a microphone whose wires are swapped, the loudest one is used alone. This is decided for each
/// block of sound, over the last quarter of a second and the rest of the block: the mix must have half the energy that
/// uncorrelated channels would give it. For two equal channels that is a loss of 6 dB.
/// uncorrelated channels would give it. For two equal channels that is a loss of 6 dB.
struct Downmix {
  private let channels: Int
  private let rate: Int
  private let weights: [Float]
  /// The requested channel.
  private let chosen: Int?
  /// The channel that is used alone while the mix cancels; nil otherwise.
  private var alone: Int?
  private var isFirst = true
  private var energies: [Double]
  private var mixed = 0.0
  /// Frames in which one channel was used alone, and the first such channel.
  private(set) var cancelled = 0
  private(set) var substitute: Int?

  // Seconds after which earlier sound has lost most of its weight.
  private static let memory = 0.25
  private static let floor = 1e-10

  /// - Parameter chosen: the only channel to use, from 0.
  init(channels: Int, rate: Int, positions: [ChannelPosition]?, chosen: Int?) {
    (self.channels, self.rate, self.chosen) = (channels, rate, chosen)
    energies = Array(repeating: 0, count: channels)
    let isPlaced = channels > 2 && positions?.count == channels
    let weights = isPlaced ? positions!.map(\.weight) : []
    // Without this a file that has no front channel would be almost silent.
    self.weights = weights.max() ?? 0 >= 0.5 ? weights : []
  }

  /// - Parameters:
  ///   - sound: (frames, channels), interleaved.
  ///   - mono: (frames)
  mutating func mix(
    _ sound: UnsafeBufferPointer<Float>, frames: Int, into mono: UnsafeMutableBufferPointer<Float>
  ) {
    if let chosen {
      for frame in 0..<frames { mono[frame] = sound[frame * channels + chosen] }
      return
    }
    let scale = 1 / Float(channels)
    for frame in 0..<frames {
      var sum: Float = 0
      if weights.isEmpty {
        for channel in 0..<channels { sum += sound[frame * channels + channel] }
        sum *= scale
      } else {
        for channel in 0..<channels { sum += sound[frame * channels + channel] * weights[channel] }
      }
      mono[frame] = sum
    }
    if channels > 1, frames > 0 { mend(sound, frames, mono) }
  }

  /// Replaces a mix that cancels.
  private mutating func mend(
    _ sound: UnsafeBufferPointer<Float>, _ frames: Int, _ mono: UnsafeMutableBufferPointer<Float>
  ) {
    let before = alone
    judge(sound, frames, mono)
    defer { isFirst = false }
    if let alone {
      cancelled += frames
      substitute = substitute ?? alone
    }
    guard before != nil || alone != nil else { return }
    // A change is cross-faded over 10 ms, so that it does not click.
    let fade = before == alone || isFirst ? 0 : min(rate / 100, frames)
    for frame in 0..<frames {
      let new = alone.map { sound[frame * channels + $0] } ?? mono[frame]
      guard frame < fade else {
        mono[frame] = new
        continue
      }
      let old = before.map { sound[frame * channels + $0] } ?? mono[frame]
      let share = Float(frame) / Float(fade)
      mono[frame] = old * (1 - share) + new * share
    }
  }

  private mutating func judge(
    _ sound: UnsafeBufferPointer<Float>, _ frames: Int, _ mono: UnsafeMutableBufferPointer<Float>
  ) {
    let decay = exp(-Double(frames) / (Self.memory * Double(rate)))
    mixed = mixed * decay + mono[..<frames].reduce(0.0) { $0 + Double($1) * Double($1) }
    var (unrelated, total) = (0.0, 0.0)
    for channel in 0..<channels {
      var energy = 0.0
      for frame in 0..<frames {
        let sample = Double(sound[frame * channels + channel])
        energy += sample * sample
      }
      energies[channel] = energies[channel] * decay + energy
      // A channel that the mix leaves out counts only if there is nothing else at all.
      let weight = weights.isEmpty ? 1 / Double(channels) : max(Double(weights[channel]), 0.001)
      unrelated += weight * weight * energies[channel]
      total += energies[channel]
    }
    guard total > Self.floor * Double(frames) else { return }
    if mixed > 0.9 * unrelated {
      alone = nil
    } else if alone == nil, mixed < 0.5 * unrelated {
      let loudest = energies.indices.max { energies[$0] < energies[$1] } ?? 0
      // By at least a decibel, so that the first of two equal channels is used.
      alone = energies[loudest] > 1.26 * energies[0] ? loudest : 0
    }
  }
}
