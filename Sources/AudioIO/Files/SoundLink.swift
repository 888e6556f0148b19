/// One of the streams of sound in a file: radio recorders and `cat` concatenate several.
struct SoundLink: Equatable {
  /// Bytes that replace those in the file.
  struct Patch: Equatable {
    let offset: Int
    let bytes: [UInt8]
  }

  /// Bare samples, whose format is known from a header that is not read again.
  struct Plain: Equatable {
    let encoding: Int32
    let channels: Int
    let rate: Int
    let positions: [ChannelPosition]?
  }

  /// Offset of its first byte.
  let start: Int
  /// The offset after its last byte; nil for a pipe, whose end is not known yet.
  var end: Int?
  var plain: Plain?
  var patch: Patch?
  /// Whether it is the whole file, so that libsndfile may open the file itself.
  var isWhole = false
  /// A remark about it.
  var remark: Remark?
  var container = SoundContainer.other

  enum Remark: Equatable {
    /// The header states another size.
    case wrongSize(said: Int)
    /// The end is missing; the header promised this many seconds, if it states a length.
    case cut(promised: Double?)
  }
}
