/// An irregularity of a sound that was read nevertheless.
public enum SoundRemark: Equatable, Sendable {
  /// The channels cancel each other for `seconds`; there `channel`, counted from 1, was used alone.
  case cancelling(channel: Int, seconds: Double)
  /// The header says that there are `bytes` of sound; it was read to the end of the file.
  case wrongSize(bytes: Int)
  /// The file breaks off after `seconds`; its header promised more, or its end mark is missing.
  case cut(seconds: Double, promised: Double?)
  /// More follows in a pipe after the sound that its header tells of, and was left out.
  case more(seconds: Double)
}
