import CSndfile

/// The header of a file of plain samples: WAV in its variants, AU and CAF.
///
/// libsndfile trusts the sizes in it, but a recorder that was killed, or that wrote to a pipe, never corrected them.
struct WaveHeader {
  /// libsndfile's number for the bare samples; nil for anything that is not plain samples.
  private(set) var encoding: Int32?
  private(set) var channels = 0
  private(set) var rate = 0
  private(set) var positions: [ChannelPosition]?
  /// Where the sound begins.
  private(set) var dataOffset = 0
  /// Bytes of sound that the header promises; nil if it marks the size as unknown.
  private(set) var promised: Int?
  /// Offset of the 32-bit size of the sound, in WAV.
  private(set) var sizeOffset: Int?
  /// The form of the chunks that follow the sound.
  private(set) var chunks = Chunks.none

  enum Chunks { case none, riff, wave64 }

  /// "riff" as Wave64 spells it.
  static let wave64: [UInt8] = [
    0x72, 0x69, 0x66, 0x66, 0x2E, 0x91, 0xCF, 0x11, 0xA5, 0xD6, 0x28, 0xDB, 0x04, 0xC1, 0, 0,
  ]
  /// Sizes from here on, beyond the end of the file, mean "unknown": programs that write to pipes differ.
  private static let unknown = 0x7FFF_0000

  /// - Parameter read: returns bytes at an offset, as many as there are.
  init?(_ container: SoundContainer, _ read: (Int, Int) -> [UInt8]) {
    let start = read(0, 40)
    guard start.count >= 24 else { return nil }
    let isRead: Bool
    switch container {
    case .wave where start.starts(with: Self.wave64): isRead = readWave64(read)
    case .wave: isRead = readRIFF(start, read)
    case .au: isRead = readAU(start)
    case .caf: isRead = readCAF(read)
    default: return nil
    }
    guard isRead else { return nil }
  }

  /// Bytes of complete samples in this many bytes.
  func whole(_ bytes: Int) -> Int {
    guard let encoding, channels > 0 else { return bytes }
    return bytes / (Self.bytes(encoding) * channels) * Self.bytes(encoding) * channels
  }

  var bytesPerSecond: Int? {
    guard let encoding, channels > 0, rate > 0 else { return nil }
    return Self.bytes(encoding) * channels * rate
  }

  // MARK: WAV

  private mutating func readRIFF(_ start: [UInt8], _ read: (Int, Int) -> [UInt8]) -> Bool {
    guard start[8..<12].elementsEqual("WAVE".utf8) else { return false }
    chunks = .riff
    var (offset, long): (Int, Int?) = (12, nil)
    // A header has a handful of chunks; some programs put pictures there.
    for _ in 0..<1000 {
      let chunk = read(offset, 8)
      guard chunk.count == 8 else { return false }
      let size = Self.little(chunk, 4, 4)
      switch String(decoding: chunk[..<4], as: UTF8.self) {
      case "ds64":
        let body = read(offset + 8, 16)
        if body.count == 16 { long = Self.little(body, 8, 8) }
      case "fmt ": readFormat(read(offset + 8, min(size, 64)))
      case "data":
        (dataOffset, sizeOffset) = (offset + 8, offset + 4)
        promised = size == 0xFFFF_FFFF ? long.map { max($0, 0) } : size
        return channels > 0
      default: break
      }
      offset += 8 + size + size & 1
    }
    return false
  }

  private mutating func readWave64(_ read: (Int, Int) -> [UInt8]) -> Bool {
    chunks = .wave64
    var offset = 40
    for _ in 0..<1000 {
      let chunk = read(offset, 24)
      guard chunk.count == 24 else { return false }
      let size = Self.little(chunk, 16, 8)
      switch String(decoding: chunk[..<4], as: UTF8.self) {
      case "fmt ": readFormat(read(offset + 24, size > 24 ? min(size - 24, 64) : 0))
      case "data":
        dataOffset = offset + 24
        promised = size > 24 ? size - 24 : 0
        return channels > 0
      default: break
      }
      guard size >= 24, size < Int.max / 4 else { return false }
      offset += (size + 7) / 8 * 8
    }
    return false
  }

  private mutating func readFormat(_ body: [UInt8]) {
    guard body.count >= 16 else { return }
    var tag = Self.little(body, 0, 2)
    (channels, rate) = (Self.little(body, 2, 2), Self.little(body, 4, 4))
    if tag == 0xFFFE, body.count >= 26 {
      tag = Self.little(body, 24, 2)
      positions = ChannelPosition.list(mask: Self.little(body, 20, 4), channels: channels)
    }
    let block = Self.little(body, 12, 2)
    let bytes = channels > 0 && block % channels == 0 ? block / channels : 0
    encoding =
      switch (tag, bytes) {
      case (1, 1): Int32(SF_FORMAT_PCM_U8)
      case (1, 2): Int32(SF_FORMAT_PCM_16)
      case (1, 3): Int32(SF_FORMAT_PCM_24)
      case (1, 4): Int32(SF_FORMAT_PCM_32)
      case (3, 4): Int32(SF_FORMAT_FLOAT)
      case (3, 8): Int32(SF_FORMAT_DOUBLE)
      case (6, 1): Int32(SF_FORMAT_ALAW)
      case (7, 1): Int32(SF_FORMAT_ULAW)
      default: nil
      }
    encoding = encoding.map { $0 | Int32(SF_ENDIAN_LITTLE) }
  }

  // MARK: AU and CAF

  private mutating func readAU(_ start: [UInt8]) -> Bool {
    let isBig = start[0] == UInt8(ascii: ".")
    func number(_ offset: Int) -> Int { isBig ? Self.big(start, offset, 4) : Self.little(start, offset, 4) }
    (dataOffset, rate, channels) = (number(4), number(16), number(20))
    promised = number(8) == 0xFFFF_FFFF ? nil : number(8)
    encoding = Self.auEncodings[number(12)].map { $0 | Int32(isBig ? SF_ENDIAN_BIG : SF_ENDIAN_LITTLE) }
    return dataOffset >= 24 && dataOffset < 1 << 24 && channels > 0
  }

  private static let auEncodings: [Int: Int32] = [
    1: Int32(SF_FORMAT_ULAW), 2: Int32(SF_FORMAT_PCM_S8), 3: Int32(SF_FORMAT_PCM_16),
    4: Int32(SF_FORMAT_PCM_24), 5: Int32(SF_FORMAT_PCM_32), 6: Int32(SF_FORMAT_FLOAT),
    7: Int32(SF_FORMAT_DOUBLE), 27: Int32(SF_FORMAT_ALAW),
  ]

  private mutating func readCAF(_ read: (Int, Int) -> [UInt8]) -> Bool {
    var offset = 8
    for _ in 0..<1000 {
      let chunk = read(offset, 12)
      guard chunk.count == 12 else { return false }
      let size = Self.big(chunk, 4, 8)
      switch String(decoding: chunk[..<4], as: UTF8.self) {
      case "desc": readDescription(read(offset + 12, 32))
      case "data":
        // An edit count precedes the sound.
        dataOffset = offset + 16
        promised = size == -1 ? nil : size > 4 ? size - 4 : 0
        return channels > 0
      default: break
      }
      guard size >= 0, size < Int.max / 4 else { return false }
      offset += 12 + size
    }
    return false
  }

  private mutating func readDescription(_ body: [UInt8]) {
    guard body.count == 32 else { return }
    let hertz = Double(bitPattern: UInt64(truncatingIfNeeded: Self.big(body, 0, 8)))
    rate = hertz >= 1 && hertz < 1e9 ? Int(hertz) : 0
    channels = Self.big(body, 24, 4)
    let (flags, bits) = (Self.big(body, 12, 4), Self.big(body, 28, 4))
    let isPacked = channels > 0 && Self.big(body, 16, 4) == channels * ((bits + 7) / 8)
    switch (String(decoding: body[8..<12], as: UTF8.self), flags & 1, bits) {
    case ("lpcm", 0, 8): encoding = Int32(SF_FORMAT_PCM_S8)
    case ("lpcm", 0, 16): encoding = Int32(SF_FORMAT_PCM_16)
    case ("lpcm", 0, 24): encoding = Int32(SF_FORMAT_PCM_24)
    case ("lpcm", 0, 32): encoding = Int32(SF_FORMAT_PCM_32)
    case ("lpcm", 1, 32): encoding = Int32(SF_FORMAT_FLOAT)
    case ("lpcm", 1, 64): encoding = Int32(SF_FORMAT_DOUBLE)
    case ("ulaw", _, _): encoding = Int32(SF_FORMAT_ULAW)
    case ("alaw", _, _): encoding = Int32(SF_FORMAT_ALAW)
    default: break
    }
    if !isPacked { encoding = nil }
    encoding = encoding.map { $0 | Int32(flags & 2 != 0 ? SF_ENDIAN_LITTLE : SF_ENDIAN_BIG) }
  }

  // MARK: How far the size can be trusted

  /// How a file's sound ends, if the file ends at byte `count`.
  enum Extent: Equatable {
    /// Where the header says.
    case healthy(end: Int)
    /// At the end of the file; the header marks the size as unknown.
    case open
    /// At the end of the file, although the header states another size.
    case wrong
    /// The header promises more bytes than the file has.
    case cut
  }

  func extent(count: Int, _ read: (Int, Int) -> [UInt8]) -> Extent {
    guard let promised else { return .open }
    let found = count - dataOffset
    if promised > found { return promised >= Self.unknown ? .open : .cut }
    if promised == 0 { return found > 0 ? .wrong : .healthy(end: dataOffset) }
    let end = dataOffset + promised
    return isFollowed(end, count, read) ? .healthy(end: end) : .wrong
  }

  /// Whether what follows the sound is something other than more sound.
  private func isFollowed(_ end: Int, _ count: Int, _ read: (Int, Int) -> [UInt8]) -> Bool {
    if count - end < 8 { return true }
    let next = read(end, 24)
    if SoundContainer.find({ Array(next.prefix($0)) }) != nil { return true }
    for tag in ["TAG", "APETAGEX", "LYRICS", "LIST", "id3 "] where next.starts(with: tag.utf8) { return true }
    switch chunks {
    case .none: return true
    case .wave64: return true
    case .riff: break
    }
    // A chunk: four letters, and a size that fits into the file. It may come after a padding byte.
    for pad in 0...(promised.map { $0 & 1 } ?? 0) {
      let chunk = read(end + pad, 8)
      guard chunk.count == 8, chunk[..<4].allSatisfy({ (0x20..<0x7F).contains($0) }) else { continue }
      if SoundContainer.find({ Array(chunk.prefix($0)) }) != nil { return true }
      if Self.little(chunk, 4, 4) <= count - end - pad - 8 { return true }
    }
    return false
  }

  // MARK: Numbers

  private static func bytes(_ encoding: Int32) -> Int {
    switch encoding & Int32(SF_FORMAT_SUBMASK) {
    case Int32(SF_FORMAT_PCM_16): 2
    case Int32(SF_FORMAT_PCM_24): 3
    case Int32(SF_FORMAT_PCM_32), Int32(SF_FORMAT_FLOAT): 4
    case Int32(SF_FORMAT_DOUBLE): 8
    default: 1
    }
  }

  static func little(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> Int {
    (0..<count).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
  }

  static func big(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> Int {
    (0..<count).reduce(0) { $0 << 8 | Int(bytes[offset + $1]) }
  }
}
