import Base
import Runtime

/// A codes file as JSON.
struct CodesView: Encodable {
  let codebooks: Int
  let frames: Int
  let seconds: Double
  let sampleRate: Int
  let frameRate: Double
  let samples: Int?
  let codec: String?
  /// [codebooks][frames]
  let codes: [[Int32]]?

  init(_ file: CodesFile, withCodes: Bool = true) {
    codebooks = file.codebooks
    frames = file.frames
    seconds = Double(file.frames) / file.frameRate
    sampleRate = file.sampleRate
    frameRate = file.frameRate
    samples = file.samples
    codec = file.codec
    codes =
      withCodes
      ? (0..<file.codebooks).map { Array(file.codes[$0 * file.frames..<($0 + 1) * file.frames]) } : nil
  }

  var json: String { get throws { try JSON.text(self) } }
}
