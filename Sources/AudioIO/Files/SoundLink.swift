/// One stream of sound among those that a file holds: recorders of radio, and `cat`, put several behind one another.
struct SoundLink: Equatable {
  /// Bytes that replace those in the file.
  struct Patch: Equatable {
    let offset: Int
    let bytes: [UInt8]
  }

  /// Samples alone, whose format is known from a header that is not read again.
  struct Plain: Equatable {
    let encoding: Int32
    let channels: Int
    let rate: Int
    let positions: [ChannelPosition]?
  }

  /// Its first byte.
  let start: Int
  /// The offset after its last byte; nil for a pipe, whose end is not known yet.
  var end: Int?
  var plain: Plain?
  var patch: Patch?
  /// Whether it is the whole of a file, so that libsndfile may have the file itself.
  var isWhole = false
  /// A remark about it.
  var remark: Remark?
  var container = SoundContainer.other

  enum Remark: Equatable {
    /// The header gives another size.
    case wrongSize(said: Int)
    /// The end is missing; the header promised so many seconds, where it says.
    case cut(promised: Double?)
  }
}
