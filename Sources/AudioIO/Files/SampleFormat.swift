import CALSA

/// How a device stores one sample. The order of the cases is the order of preference.
package enum SampleFormat: String, CaseIterable, Sendable {
  case float32 = "float"
  case int32 = "S32"
  /// 24 bits in the low end of four bytes.
  case int24 = "S24"
  /// 24 bits in three bytes.
  case int24Packed = "S24_3"
  case int16 = "S16"

  /// Bytes of one sample.
  package var bytes: Int {
    switch self {
    case .float32, .int32, .int24: 4
    case .int24Packed: 3
    case .int16: 2
    }
  }

  var alsa: snd_pcm_format_t {
    switch self {
    case .float32: SND_PCM_FORMAT_FLOAT_LE
    case .int32: SND_PCM_FORMAT_S32_LE
    case .int24: SND_PCM_FORMAT_S24_LE
    case .int24Packed: SND_PCM_FORMAT_S24_3LE
    case .int16: SND_PCM_FORMAT_S16_LE
    }
  }

  /// Averages the channels of each frame.
  ///
  /// - Parameters:
  ///   - raw: (frames, channels), interleaved.
  ///   - mono: (frames), in [-1, 1).
  func unpack(
    _ raw: UnsafeRawPointer, frames: Int, channels: Int, into mono: UnsafeMutablePointer<Float>
  ) {
    let weight = 1 / Float(channels)
    for frame in 0..<frames {
      var sum: Float = 0
      for channel in 0..<channels { sum += load(raw, frame * channels + channel) }
      mono[frame] = sum * weight
    }
  }

  /// Writes each sample to the first two channels; the others stay silent.
  ///
  /// - Parameters:
  ///   - mono: (frames); values outside [-1, 1] are clipped, and NaN becomes silence.
  ///   - raw: (frames, channels), interleaved.
  func pack(
    _ mono: UnsafePointer<Float>, frames: Int, channels: Int, into raw: UnsafeMutableRawPointer
  ) {
    for frame in 0..<frames {
      let sample = mono[frame].isNaN ? 0 : max(-1, min(1, mono[frame]))
      for channel in 0..<channels { store(channel < 2 ? sample : 0, raw, frame * channels + channel) }
    }
  }

  @inline(__always)
  private func load(_ raw: UnsafeRawPointer, _ index: Int) -> Float {
    switch self {
    case .float32: raw.load(fromByteOffset: 4 * index, as: Float.self)
    case .int32: Float(raw.load(fromByteOffset: 4 * index, as: Int32.self)) * 0x1p-31
    case .int24: Float(raw.load(fromByteOffset: 4 * index, as: Int32.self) << 8) * 0x1p-31
    case .int24Packed:
      Float(
        Int32(raw.load(fromByteOffset: 3 * index, as: UInt8.self)) << 8
          | Int32(raw.load(fromByteOffset: 3 * index + 1, as: UInt8.self)) << 16
          | Int32(raw.load(fromByteOffset: 3 * index + 2, as: Int8.self)) << 24) * 0x1p-31
    case .int16: Float(raw.load(fromByteOffset: 2 * index, as: Int16.self)) * 0x1p-15
    }
  }

  @inline(__always)
  private func store(_ sample: Float, _ raw: UnsafeMutableRawPointer, _ index: Int) {
    switch self {
    case .float32: raw.storeBytes(of: sample, toByteOffset: 4 * index, as: Float.self)
    case .int32: raw.storeBytes(of: integer(sample, 32), toByteOffset: 4 * index, as: Int32.self)
    case .int24: raw.storeBytes(of: integer(sample, 24), toByteOffset: 4 * index, as: Int32.self)
    case .int24Packed:
      let value = UInt32(bitPattern: integer(sample, 24))
      for byte in 0..<3 {
        raw.storeBytes(
          of: UInt8(truncatingIfNeeded: value >> (8 * UInt32(byte))), toByteOffset: 3 * index + byte,
          as: UInt8.self)
      }
    case .int16:
      raw.storeBytes(of: Int16(integer(sample, 16)), toByteOffset: 2 * index, as: Int16.self)
    }
  }

  private func integer(_ sample: Float, _ bits: Int32) -> Int32 {
    let limit = Double(Int64(1) << Int64(bits - 1))
    return Int32(max(-limit, min(limit - 1, (Double(sample) * limit).rounded())))
  }
}
