import Foundation
import Glibc

@testable import AudioIO

/// Sound files built byte by byte, as written by programs that a test cannot run.
enum Handmade {
  static func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  static func big(_ value: Int, _ count: Int) -> [UInt8] { little(value, count).reversed() }

  static func pcm(_ samples: [Float]) -> [UInt8] {
    samples.flatMap { little(Int(($0 * 32_767).rounded()), 2) }
  }

  private static func format(_ channels: Int) -> [UInt8] {
    little(1, 2) + little(channels, 2) + little(24_000, 4) + little(48_000 * channels, 4)
      + little(2 * channels, 2) + little(16, 2)
  }

  /// - Parameters:
  ///   - size: the size of the sound in the header; nil for the true one.
  ///   - behind: the bytes that follow the sound.
  static func wav(
    _ data: [UInt8], channels: Int = 1, size: Int? = nil, riff: Int? = nil, behind: [UInt8] = []
  ) -> [UInt8] {
    Array("RIFF".utf8) + little(riff ?? 36 + data.count + behind.count, 4) + Array("WAVEfmt ".utf8)
      + little(16, 4) + format(channels) + Array("data".utf8) + little(size ?? data.count, 4) + data + behind
  }

  /// With the sizes in a chunk of their own.
  static func rf64(_ data: [UInt8], size: Int, word: String = "RF64") -> [UInt8] {
    Array(word.utf8) + little(-1, 4) + Array("WAVEds64".utf8) + little(28, 4)
      + little(size == 0 ? 0 : size + 72, 8)
      + little(size, 8) + little(size / 2, 8) + little(0, 4) + Array("fmt ".utf8) + little(16, 4) + format(1)
      + Array("data".utf8) + little(-1, 4) + data
  }

  static func wave64(_ data: [UInt8], size: Int) -> [UInt8] {
    let tail: [UInt8] = [0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1, 0x00, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A]
    let riff: [UInt8] = [
      0x72, 0x69, 0x66, 0x66, 0x2E, 0x91, 0xCF, 0x11, 0xA5, 0xD6, 0x28, 0xDB, 0x04, 0xC1, 0x00, 0x00,
    ]
    return riff + little(104 + data.count, 8) + Array("wave".utf8) + tail + Array("fmt ".utf8) + tail
      + little(40, 8) + format(1) + Array("data".utf8) + tail + little(size, 8) + data
  }

  static func au(_ data: [UInt8], size: Int?) -> [UInt8] {
    let swapped = stride(from: 0, to: data.count, by: 2).flatMap { [data[$0 + 1], data[$0]] }
    return Array(".snd".utf8) + big(24, 4) + big(size ?? -1, 4) + big(3, 4) + big(24_000, 4) + big(1, 4)
      + swapped
  }

  static func caf(_ data: [UInt8], size: Int) -> [UInt8] {
    Array("caff".utf8) + [0, 1, 0, 0] + Array("desc".utf8) + big(32, 8)
      + big(Int(bitPattern: UInt(Double(24_000).bitPattern)), 8) + Array("lpcm".utf8) + big(2, 4) + big(2, 4)
      + big(1, 4) + big(1, 4) + big(16, 4) + Array("data".utf8) + big(size, 8) + big(0, 4) + data
  }
}

/// The reading end of a pipe into which another thread writes `bytes`, and which ends after them.
func pipe(of bytes: [UInt8]) -> Int32 {
  var ends: [Int32] = [0, 0]
  precondition(Glibc.pipe(&ends) == 0)
  let end = ends[1]
  signal(SIGPIPE, SIG_IGN)
  Thread.detachNewThread {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { write(end, $0.baseAddress! + done, bytes.count - done) }
      if count <= 0 { break }
      done += count
    }
    close(end)
  }
  return ends[0]
}
