import CSndfile
import Glibc

/// Finds the streams in a file.
struct SoundLinks {
  private let bytes: SoundBytes
  private let count: Int
  private var block: [UInt8] = []
  private var blockStart = 0

  // No real file has more streams; a malicious one may have millions.
  static let limit = 10_000

  /// - Parameter bytes: of known length.
  static func find(in bytes: SoundBytes) -> [SoundLink] {
    var finder = SoundLinks(bytes: bytes, count: bytes.count ?? 0)
    return finder.find()
  }

  /// The stream that can be read from a pipe in order, or nil if that is not possible.
  static func live(_ container: SoundContainer, _ bytes: SoundBytes) -> SoundLink? {
    // Enough for the chunks that real programs put before the sound.
    let start = bytes.peek(4096)
    guard
      let header = WaveHeader(container, { offset, count in Array(start.dropFirst(offset).prefix(count)) }),
      let encoding = header.encoding, header.dataOffset <= start.count
    else { return nil }
    var link = SoundLink(start: header.dataOffset)
    // A program that writes to a pipe does not know the size; it writes 0 or a huge number.
    if let promised = header.promised, promised > 0, promised < 0x7FFF_0000 {
      link.end = header.dataOffset + promised
    }
    link.plain = SoundLink.Plain(
      encoding: encoding, channels: header.channels, rate: header.rate, positions: header.positions)
    return link
  }

  /// Whether the sound in a pipe is followed by something other than a chunk.
  static func hasMore(_ bytes: SoundBytes, after end: Int) -> Bool {
    let next = bytes.bytes(at: end, SoundContainer.beginning)
    guard next.count >= 8 else { return false }
    if SoundContainer.find({ Array(next.prefix($0)) }) != nil { return true }
    // Samples look like letters only by chance. An odd size is padded by one byte.
    return !(0...1).contains { pad in next[pad..<pad + 4].allSatisfy { (0x20..<0x7F).contains($0) } }
  }

  private init(bytes: SoundBytes, count: Int) {
    (self.bytes, self.count) = (bytes, count)
  }

  private mutating func find() -> [SoundLink] {
    var links: [SoundLink] = []
    var offset = 0
    while offset < count, links.count < Self.limit {
      guard let container = container(at: offset) else { break }
      let found: [SoundLink]
      switch container {
      case .wave, .au, .caf: found = wave(container, from: offset)
      case .ogg: found = ogg(from: offset)
      case .flac: found = flac(from: offset)
      case .mpeg: found = mpeg(from: offset)
      case .other: found = [SoundLink(start: offset, end: count)]
      }
      links += found
      guard let end = found.last?.end, end > offset else { break }
      offset = end
    }
    // libsndfile may understand a header that this code does not.
    if links.isEmpty { links = [SoundLink(start: 0, end: count)] }
    if links.count == 1, links[0].start == 0, links[0].plain == nil, links[0].patch == nil {
      links[0].isWhole = true
    }
    return links
  }

  private mutating func container(at offset: Int) -> SoundContainer? {
    let found = SoundContainer.find { read(offset, $0) }
    // A tag for players may stand before FLAC too.
    guard found == .mpeg, let size = tagSize(at: offset) else { return found }
    return read(offset + size, 4).elementsEqual("fLaC".utf8) ? .flac : .mpeg
  }

  /// Bytes of an ID3 tag, nil where there is none.
  private mutating func tagSize(at offset: Int) -> Int? {
    let tag = read(offset, 10)
    guard tag.count == 10, tag.starts(with: "ID3".utf8), tag[6...].allSatisfy({ $0 < 0x80 }) else {
      return nil
    }
    return 10 + tag[6...].reduce(0) { $0 << 7 | Int($1) } + (tag[5] & 0x10 != 0 ? 10 : 0)
  }

  // MARK: Forms

  private mutating func wave(_ container: SoundContainer, from start: Int) -> [SoundLink] {
    var link = SoundLink(start: start, end: count, container: container)
    guard let header = WaveHeader(container, { read(start + $0, $1) }) else { return [link] }
    let sound = start + header.dataOffset
    switch header.extent(count: count - start, { read(start + $0, $1) }) {
    case .healthy(let end):
      // The next stream begins after the chunks that follow the sound.
      if let next = next(after: start + end, header) { link.end = next }
      return [link]
    case .open: break
    case .wrong: link.remark = .wrongSize(said: header.promised ?? 0)
    case .cut:
      link.remark = .cut(
        promised: header.bytesPerSecond.map { Double(header.promised ?? 0) / Double($0) })
      return [link]
    }
    if let encoding = header.encoding {
      link = SoundLink(
        start: sound, end: count,
        plain: SoundLink.Plain(
          encoding: encoding, channels: header.channels, rate: header.rate, positions: header.positions),
        remark: link.remark, container: container)
    } else if let place = header.sizeOffset {
      let size = UInt32(clamping: count - sound)
      link.patch = SoundLink.Patch(
        offset: start + place, bytes: (0..<4).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) })
    }
    return [link]
  }

  /// Where another stream begins after one whose sound ends at `end`; nil if none does.
  private mutating func next(after end: Int, _ header: WaveHeader) -> Int? {
    var offset = end
    for _ in 0..<1000 where offset < count {
      for place in Set([offset, offset + (header.chunks == .riff ? offset & 1 : 0)]).sorted() {
        let found = container(at: place)
        if found != nil, found != .mpeg { return place }
      }
      switch header.chunks {
      case .none: return nil
      case .riff:
        let chunk = read(offset, 8)
        guard chunk.count == 8 else { return nil }
        let size = WaveHeader.little(chunk, 4, 4)
        offset += 8 + size + size & 1
      case .wave64:
        offset = (offset + 7) / 8 * 8
        if container(at: offset) == .wave { return offset }
        let chunk = read(offset, 24)
        guard chunk.count == 24, case let size = WaveHeader.little(chunk, 16, 8), size >= 24,
          size < Int.max / 4
        else { return nil }
        offset += size
      }
    }
    return nil
  }

  /// A chain: every stream begins with pages that are marked as such, and ends where the next begins.
  private mutating func ogg(from start: Int) -> [SoundLink] {
    var links: [SoundLink] = []
    var (offset, isBeginning, isEnded, isCut) = (start, false, false, false)
    while offset < count {
      let head = read(offset, 27)
      guard head.count == 27, head.starts(with: "OggS".utf8) else {
        isCut = isCut || head.count < 27
        // Damage, or something else after the sound.
        guard let next = search("OggS", from: offset + 1) else { break }
        offset = next
        continue
      }
      let segments = read(offset + 27, Int(head[26]))
      let end = offset + 27 + Int(head[26]) + segments.reduce(0) { $0 + Int($1) }
      isCut = segments.count < Int(head[26]) || end > count
      if head[5] & 2 != 0, !isBeginning {
        if !links.isEmpty {
          links[links.count - 1].end = offset
          if !isEnded { links[links.count - 1].remark = .cut(promised: nil) }
        }
        guard links.count < Self.limit else { break }
        links.append(SoundLink(start: offset, end: count, container: .ogg))
        isEnded = false
      }
      isBeginning = head[5] & 2 != 0
      isEnded = isEnded || head[5] & 4 != 0
      offset = end
    }
    if !links.isEmpty, isCut || !isEnded { links[links.count - 1].remark = .cut(promised: nil) }
    return links
  }

  /// Another stream begins with another description of itself.
  private mutating func flac(from start: Int) -> [SoundLink] {
    var starts = [start]
    var offset = start + (tagSize(at: start) ?? 0) + 4
    while starts.count < Self.limit, let found = search("fLaC", from: offset) {
      let next = read(found, 8)
      if next.count == 8, next[4] & 0x7F == 0, next[5...].elementsEqual([0, 0, 34]) { starts.append(found) }
      offset = found + 4
    }
    return zip(starts, starts.dropFirst() + [count]).map {
      SoundLink(start: $0, end: $1, container: .flac)
    }
  }

  /// Another file begins with a tag or with a frame that describes the whole file, or has another rate.
  private mutating func mpeg(from start: Int) -> [SoundLink] {
    var starts = [start]
    var offset = start + (tagSize(at: start) ?? 0)
    var (frames, rate) = (0, 0)
    while offset < count, starts.count < Self.limit {
      let head = read(offset, 40)
      if let frame = MPEGFrame(head) {
        if frames > 0, frame.rate != rate || Self.tellsOfWhole(head, frame) {
          starts.append(offset)
          frames = 0
        }
        (frames, rate) = (frames + 1, frame.rate)
        offset += frame.length
      } else if let size = tagSize(at: offset) {
        if frames > 0, MPEGFrame(read(offset + size, 40)) != nil {
          starts.append(offset)
          frames = 0
        }
        offset += size
      } else {
        // Junk, or the end: what follows is left to libsndfile.
        break
      }
    }
    return zip(starts, starts.dropFirst() + [count]).map {
      SoundLink(start: $0, end: $1, container: .mpeg)
    }
  }

  private static func tellsOfWhole(_ head: [UInt8], _ frame: MPEGFrame) -> Bool {
    let mark = head.dropFirst(frame.markOffset).prefix(4)
    return mark.elementsEqual("Xing".utf8) || mark.elementsEqual("Info".utf8)
      || head.dropFirst(36).elementsEqual("VBRI".utf8)
  }

  // MARK: Bytes

  /// Bytes from a block that stays in memory while it is useful.
  private mutating func read(_ offset: Int, _ wanted: Int) -> [UInt8] {
    guard offset >= 0, offset < count, wanted > 0 else { return [] }
    let wanted = min(wanted, count - offset)
    guard wanted <= 1 << 16 else { return bytes.bytes(at: offset, wanted) }
    if offset < blockStart || offset + wanted > blockStart + block.count {
      block = bytes.bytes(at: offset, min(1 << 17, count - offset))
      blockStart = offset
    }
    return Array(block.dropFirst(offset - blockStart).prefix(wanted))
  }

  /// The next offset of a word.
  private mutating func search(_ word: StaticString, from start: Int) -> Int? {
    let length = word.utf8CodeUnitCount
    var offset = start
    while offset + length <= count {
      if offset < blockStart || offset + length > blockStart + block.count {
        block = bytes.bytes(at: offset, min(1 << 17, count - offset))
        blockStart = offset
        if block.count < length { return nil }
      }
      let found: Int? = block.withUnsafeBytes { block in
        var place = block.baseAddress! + (offset - blockStart)
        let end = block.baseAddress! + block.count - length
        while place <= end {
          guard let first = memchr(place, Int32(word.utf8Start[0]), end - place + 1) else { return nil }
          if memcmp(first, word.utf8Start, length) == 0 {
            return UnsafeRawPointer(first) - block.baseAddress!
          }
          place = UnsafeRawPointer(first) + 1
        }
        return nil
      }
      if let found { return blockStart + found }
      offset = blockStart + block.count - length + 1
    }
    return nil
  }
}
