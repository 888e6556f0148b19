internal import AudioIO
internal import Base
package import Codec
package import Dialogue
internal import Latency

/// Records a live session while it is in progress: both voices, the codes, and what the model says.
///
/// All drained frames are in the files. A killed process loses only the rest, less than a second of sound.
package final class LiveRecording {
  /// The person is on the left channel, the model on the right.
  package static let soundName = "conversation.flac"
  /// The codes of the person and of the model, as `antiphon decode` reads them.
  package static let heardName = "heard.codes"
  package static let saidName = "said.codes"
  /// One line of JSON per piece of text: when it was said, in seconds, who said it, and the text.
  package static let transcriptName = "transcript.jsonl"

  package let directory: String
  private let tape: LiveTape
  private let sound: SoundFileWriter
  private let heardCodes: CodesFileWriter
  private let saidCodes: CodesFileWriter?
  private let transcript: OutputFile
  private let secondsPerFrame: Double
  private var words: StreamingText?
  private var user: AudioFrame
  private var own: AudioFrame
  private var heard: [Int32]
  private var said: [Int32]
  private var record = FrameRecord()
  private var frames = 0

  /// Creates the directory if it is missing, and the files in it.
  ///
  /// - Parameters:
  ///   - codec: the codec that makes the codes.
  ///   - words: turns text tokens into text; nil if there is no dialogue model.
  /// - Throws: `FileError` or `SoundFileError`.
  package init(
    directory: String, tape: LiveTape, codec: Codec, words: StreamingText?, overwrite: Bool
  ) throws {
    try OutputFile.makeDirectory(directory)
    self.directory = directory
    self.tape = tape
    self.words = words
    let sampleRate = codec.configuration.sampleRate
    secondsPerFrame = Double(tape.samplesPerFrame) / Double(sampleRate)
    func codesFile(_ name: String, _ codebooks: Int) throws -> CodesFileWriter {
      try CodesFileWriter(
        directory + "/" + name, codebooks: codebooks, sampleRate: sampleRate, frameRate: codec.frameRate,
        codec: codec.digest, overwrite: overwrite)
    }
    heardCodes = try codesFile(Self.heardName, tape.codebooks.heard)
    // A listen-only model says nothing.
    saidCodes = tape.codebooks.said > 0 ? try codesFile(Self.saidName, tape.codebooks.said) : nil
    transcript = try OutputFile(
      directory + "/" + Self.transcriptName, existing: overwrite ? .replacedAtEnd : .refused)
    sound = try SoundFileWriter.create(
      directory + "/" + Self.soundName, channels: 2, sampleRate: sampleRate, overwrite: overwrite)
    user = AudioFrame(count: tape.samplesPerFrame)
    own = AudioFrame(count: tape.samplesPerFrame)
    heard = [Int32](repeating: 0, count: tape.codebooks.heard)
    said = [Int32](repeating: 0, count: tape.codebooks.said)
  }

  /// Writes the frames that are waiting on the tape.
  package func drain() throws {
    var spoken = ""
    while tape.take(user: &user, own: &own, heard: &heard, said: &said, record: &record) {
      frames += 1
      sound.write(left: user.samples.span, right: own.samples.span)
      heardCodes.append(heard)
      saidCodes?.append(said)
      let frame = record.frame ?? 0
      if let token = record.textID, let text = words?.append(Int32(token)), !text.isEmpty {
        spoken += Self.line(seconds: Double(frame) * secondsPerFrame, text)
      }
    }
    try heardCodes.flush()
    try saidCodes?.flush()
    if !spoken.isEmpty { try transcript.write(spoken) }
    if let failure = sound.failure { throw failure }
  }

  /// Completes the files. A recording of no frames is taken back, and an earlier one stays.
  package func finish() throws {
    // Each file is completed whatever happens to the others; the first failure is reported.
    let drained = Result { try drain() }
    // Sound without a sample is a file that no program opens.
    guard frames > 0 || sound.failure != nil else {
      sound.discard()
      heardCodes.discard()
      saidCodes?.discard()
      transcript.discard()
      return try drained.get()
    }
    let finished = Result { try sound.finish() }
    let coded = Result {
      try heardCodes.finish()
      try saidCodes?.finish()
    }
    try transcript.finish()
    try drained.get()
    try finished.get()
    try coded.get()
  }

  static func line(seconds: Double, _ text: String) -> String {
    let hundredths = Int((seconds * 100).rounded())
    let fraction = hundredths % 100
    let time = "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
    return "{\"seconds\":\(time),\"who\":\"model\",\"text\":\(quoted(text))}\n"
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
