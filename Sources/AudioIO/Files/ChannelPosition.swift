import CSndfile

/// The position of the loudspeaker that a channel is meant for.
enum ChannelPosition: Equatable {
  case mono, left, right, centre, low, rearLeft, rearRight, rearCentre, high, unknown

  /// Its weight in a mix to one channel: the weights of the usual mix to two (ITU-R BS.775), averaged. A stereo
  /// recording is thus as loud as the same sound in the front channels of six.
  var weight: Float {
    switch self {
    case .mono: 1
    case .left, .right, .rearCentre, .unknown: 0.5
    case .centre: 0.5 * 1.414_213_6
    case .rearLeft, .rearRight, .high: 0.25 * 1.414_213_6
    case .low: 0
    }
  }

  /// The usual positions for this number of channels; nil if there is no convention.
  static func usual(_ channels: Int, isVorbis: Bool) -> [ChannelPosition]? {
    switch (channels, isVorbis) {
    case (3, false): [.left, .right, .centre]
    case (3, true): [.left, .centre, .right]
    case (4, _): [.left, .right, .rearLeft, .rearRight]
    case (5, false): [.left, .right, .centre, .rearLeft, .rearRight]
    case (5, true): [.left, .centre, .right, .rearLeft, .rearRight]
    case (6, false): [.left, .right, .centre, .low, .rearLeft, .rearRight]
    case (6, true): [.left, .centre, .right, .rearLeft, .rearRight, .low]
    case (7, false): [.left, .right, .centre, .low, .rearCentre, .rearLeft, .rearRight]
    case (7, true): [.left, .centre, .right, .rearLeft, .rearRight, .rearCentre, .low]
    case (8, false): [.left, .right, .centre, .low, .rearLeft, .rearRight, .rearLeft, .rearRight]
    case (8, true): [.left, .centre, .right, .rearLeft, .rearRight, .rearLeft, .rearRight, .low]
    default: nil
    }
  }

  /// The positions that a mask of WAVEFORMATEXTENSIBLE names; nil if it does not name one for each channel.
  static func list(mask: Int, channels: Int) -> [ChannelPosition]? {
    let all: [ChannelPosition] = [
      .left, .right, .centre, .low, .rearLeft, .rearRight, .left, .right, .rearCentre, .rearLeft, .rearRight,
      .high, .high, .high, .high, .high, .high, .high,
    ]
    let named = all.indices.filter { mask >> $0 & 1 == 1 }.map { all[$0] }
    return named.count == channels ? named : nil
  }

  /// libsndfile's number for a position.
  init(_ code: Int32) {
    switch Int(code) {
    case Int(SF_CHANNEL_MAP_MONO): self = .mono
    case Int(SF_CHANNEL_MAP_LEFT), Int(SF_CHANNEL_MAP_FRONT_LEFT),
      Int(SF_CHANNEL_MAP_FRONT_LEFT_OF_CENTER):
      self = .left
    case Int(SF_CHANNEL_MAP_RIGHT), Int(SF_CHANNEL_MAP_FRONT_RIGHT),
      Int(SF_CHANNEL_MAP_FRONT_RIGHT_OF_CENTER):
      self = .right
    case Int(SF_CHANNEL_MAP_CENTER), Int(SF_CHANNEL_MAP_FRONT_CENTER): self = .centre
    case Int(SF_CHANNEL_MAP_LFE): self = .low
    case Int(SF_CHANNEL_MAP_REAR_CENTER): self = .rearCentre
    case Int(SF_CHANNEL_MAP_REAR_LEFT), Int(SF_CHANNEL_MAP_SIDE_LEFT):
      self = .rearLeft
    case Int(SF_CHANNEL_MAP_REAR_RIGHT), Int(SF_CHANNEL_MAP_SIDE_RIGHT):
      self = .rearRight
    case Int(SF_CHANNEL_MAP_TOP_CENTER)...Int(SF_CHANNEL_MAP_TOP_REAR_CENTER):
      self = .high
    default: self = .unknown
    }
  }
}
