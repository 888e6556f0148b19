/// The container that a stretch of bytes begins with.
enum SoundContainer: Equatable {
  /// RIFF, RF64, BW64 and Wave64.
  case wave
  /// Sun's and NeXT's.
  case au
  case caf
  case flac
  case ogg
  case mpeg
  /// Another container, which libsndfile either opens or refuses.
  case other

  /// Leading bytes that decide, unless they look like MPEG frames.
  static let beginning = 16
  /// Three of the longest MPEG frames: by chance raw sound may begin like one of them, but not like three in a row.
  static let frames = 3 * 2881 + 4

  private static let words: [(offset: Int, bytes: [UInt8], container: SoundContainer)] = [
    (0, Array("RIFF".utf8), .wave), (0, Array("RF64".utf8), .wave), (0, Array("BW64".utf8), .wave),
    (0, Array("RIFX".utf8), .other), (0, WaveHeader.wave64, .wave),
    (0, Array(".snd".utf8), .au), (0, Array("dns.".utf8), .au), (0, Array("caff".utf8), .caf),
    (0, Array("fLaC".utf8), .flac), (0, Array("OggS".utf8), .ogg), (0, Array("ID3".utf8), .mpeg),
    (0, Array("FORM".utf8), .other), (0, Array("FRM8".utf8), .other), (0, Array("DSD ".utf8), .other),
    (0, Array("wvpk".utf8), .other), (0, Array("MAC ".utf8), .other), (0, Array("TTA1".utf8), .other),
    (0, Array("MPCK".utf8), .other), (0, Array("MThd".utf8), .other), (0, Array("#!AMR".utf8), .other),
    (0, Array("Creative Voice F".utf8), .other), (0, Array("NIST_1A".utf8), .other),
    (0, Array("2BIT".utf8), .other), (4, Array("ftyp".utf8), .other), (0, [0x1A, 0x45, 0xDF, 0xA3], .other),
    (0, [0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11], .other),
  ]

  /// Nil if the bytes do not begin with a container; in a pipe they are raw samples.
  ///
  /// - Parameter peek: returns the first bytes: as many as requested, or all.
  static func find(_ peek: (Int) -> [UInt8]) -> SoundContainer? {
    let start = peek(beginning)
    for word in words where start.dropFirst(word.offset).starts(with: word.bytes) { return word.container }
    // Loud raw sound may also contain the eleven bits that begin an MPEG frame, so the next frames are checked too.
    guard MPEGFrame(start) != nil || ADTS.length(start) != nil else { return nil }
    let bytes = peek(frames)
    if isRow(bytes, { MPEGFrame($0)?.length }) { return .mpeg }
    return isRow(bytes, ADTS.length) ? .other : nil
  }

  /// Whether three frames follow one another.
  private static func isRow(_ bytes: [UInt8], _ length: ([UInt8]) -> Int?) -> Bool {
    var offset = 0
    for _ in 0..<3 {
      guard let next = length(Array(bytes.dropFirst(offset).prefix(8))) else { return false }
      offset += next
    }
    return true
  }

  /// Frames of AAC, which libsndfile does not read.
  private enum ADTS {
    static func length(_ bytes: [UInt8]) -> Int? {
      guard bytes.count >= 7, bytes[0] == 0xFF, bytes[1] & 0xF6 == 0xF0, (bytes[2] >> 2) & 15 < 13 else {
        return nil
      }
      let length = Int(bytes[3] & 3) << 11 | Int(bytes[4]) << 3 | Int(bytes[5]) >> 5
      return length >= 7 ? length : nil
    }
  }
}

/// The header of a frame of MPEG sound, layers I to III.
struct MPEGFrame: Equatable {
  /// Bytes of the frame, header included.
  let length: Int
  let rate: Int
  /// Offset of the mark in a frame that describes the whole file.
  let markOffset: Int

  /// Nil if no frame begins here.
  init?(_ bytes: [UInt8]) {
    guard bytes.count >= 4, bytes[0] == 0xFF, bytes[1] & 0xE0 == 0xE0 else { return nil }
    let version = Int(bytes[1] >> 3) & 3  // 0: 2.5, 2: 2, 3: 1
    let layer = 4 - Int(bytes[1] >> 1) & 3  // 1 to 3
    let (bits, rateIndex) = (Int(bytes[2] >> 4), Int(bytes[2] >> 2) & 3)
    guard version != 1, layer != 4, (1...14).contains(bits), rateIndex < 3 else { return nil }
    let isFirst = version == 3
    rate = [44_100, 48_000, 32_000][rateIndex] >> (isFirst ? 0 : version == 2 ? 1 : 2)
    let table = isFirst ? Self.firstRates[layer - 1] : Self.secondRates[min(layer, 2) - 1]
    let padding = Int(bytes[2] >> 1) & 1
    length =
      layer == 1
      ? (12_000 * table[bits - 1] / rate + padding) * 4
      : (layer == 3 && !isFirst ? 72_000 : 144_000) * table[bits - 1] / rate + padding
    let isMono = bytes[3] >> 6 == 3
    markOffset = 4 + (isFirst ? (isMono ? 17 : 32) : (isMono ? 9 : 17))
  }

  /// Thousands of bits per second, by layer.
  private static let firstRates = [
    [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  ]
  private static let secondRates = [
    [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
  ]
}
