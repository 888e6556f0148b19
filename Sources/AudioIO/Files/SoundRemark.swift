/// An irregularity in a sound that was read nevertheless.
public enum SoundRemark: Equatable, Sendable {
  /// The channels cancel each other for `seconds`; there, `channel`, counted from 1, was used alone.
  case cancelling(channel: Int, seconds: Double)
  /// The header states `bytes` of sound; the file was read to its end instead.
  case wrongSize(bytes: Int)
  /// The file breaks off after `seconds`; its header promised more, or its end mark is missing.
  case cut(seconds: Double, promised: Double?)
  /// In a pipe, more follows after the sound that the header describes; it was left out.
  case more(seconds: Double)
}
