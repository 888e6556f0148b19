package import Checkpoint

/// What sets one published family of models apart from the others.
///
/// Everything that depends on the family is a part of this value; nothing else asks for `name`.
public struct Family: Sendable {
  /// The published families, by their names in `config.json`.
  public enum Name: String, Sendable {
    /// Conversation.
    case moshi
    /// Translation of speech.
    case hibiki
    /// Speech to text.
    case stt
    /// Text to speech.
    case tts
  }

  /// Which family it is.
  public let name: Name
  /// Whether the model waits for a sign that a recording has ended: one frame in which all codes are "nothing".
  public let hasEndSign: Bool
  /// The text token with which the model ends its text; it reads padding in its place. Nil if there is no such token.
  public let textEnd: Int32?
  /// Silence that must precede a recording, in seconds.
  public let prefixSeconds: Double
  /// How long after a word its text may come, in seconds.
  public let delaySeconds: Double
  /// How text and codes are drawn unless `config.json` says otherwise.
  public let sampling: (text: Sampling, audio: Sampling)
  /// The value that a condition takes by default, if it has that value.
  let usualCondition: String?

  /// Reads `model_type` and `stt_config`.
  package init(_ fields: Fields) throws(CheckpointError) {
    let type = try fields.string("model_type", default: Name.moshi.rawValue)
    guard let name = Name(rawValue: type) else {
      throw .unsupported(file: fields.path, field: "model_type", found: type)
    }
    self.name = name
    hasEndSign = name == .hibiki
    textEnd = name == .hibiki ? 2 : nil
    usualCondition = name == .hibiki ? "very_good" : nil
    sampling = (
      // A transcript takes the most likely word.
      Sampling(temperature: name == .stt ? 0 : 0.7, topK: 25), Sampling(temperature: 0.8, topK: 250)
    )
    let transcription = try fields.object("stt_config")
    prefixSeconds = try transcription?.number("audio_silence_prefix_seconds", default: 0) ?? 0
    delaySeconds = try transcription?.number("audio_delay_seconds", default: 0) ?? 0
  }
}
