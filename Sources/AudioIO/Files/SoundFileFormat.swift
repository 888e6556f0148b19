import CSndfile

/// A format that sound can be written in.
public enum SoundFileFormat: Equatable, Sendable, CaseIterable {
  /// 16-bit PCM.
  case wav
  /// 32-bit float samples in a WAV file; nothing is clipped.
  case wavFloat
  /// 16-bit, lossless.
  case flac
  /// Ogg/Vorbis.
  case ogg
  /// Ogg/Opus.
  case opus
  /// MPEG layer III.
  case mp3
  /// Bare samples: signed 16-bit, little-endian, interleaved.
  case raw

  /// The extensions that name a format, in the order in which help texts list them.
  public static let extensions = ["wav", "flac", "ogg", "opus", "mp3"]

  /// The format that the extension of `path` names; `-` is raw.
  public init?(path: String) {
    if path == "-" {
      self = .raw
      return
    }
    let name = path.split(separator: "/").last ?? ""
    guard let dot = name.lastIndex(of: ".") else { return nil }
    switch name[name.index(after: dot)...].lowercased() {
    case "wav": self = .wav
    case "flac": self = .flac
    case "ogg", "oga": self = .ogg
    case "opus": self = .opus
    case "mp3": self = .mp3
    default: return nil
    }
  }

  /// libsndfile's number for container and encoding.
  var code: Int32 {
    switch self {
    case .wav: Int32(SF_FORMAT_WAV | SF_FORMAT_PCM_16)
    case .wavFloat: Int32(SF_FORMAT_WAV | SF_FORMAT_FLOAT)
    case .flac: Int32(SF_FORMAT_FLAC | SF_FORMAT_PCM_16)
    case .ogg: Int32(SF_FORMAT_OGG | SF_FORMAT_VORBIS)
    case .opus: Int32(SF_FORMAT_OGG | SF_FORMAT_OPUS)
    case .mp3: Int32(SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III)
    case .raw: Int32(SF_FORMAT_RAW | SF_FORMAT_PCM_16 | SF_ENDIAN_LITTLE)
    }
  }
}
