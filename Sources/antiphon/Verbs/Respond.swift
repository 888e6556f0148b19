import ArgumentParser
import AudioIO
import Base
import Checkpoint
import Codec
import Dialogue
import Latency
import Runtime

/// `antiphon respond`
struct Respond: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Play a sound file to the model and write its reply.",
    discussion: """
      The reply keeps time with the recording: sample for sample, it is what a person would have heard. What the \
      model says is printed as text too, unless it is written to a file with --text.

      Example:
        antiphon respond question.wav answer.wav
        antiphon respond question.flac both.wav --stereo --text answer.txt --latency run1
      """)

  @Argument(
    help:
      """
      A sound file: WAV, FLAC, Ogg, Opus or MP3. - reads one of these, or raw 16-bit mono samples, from standard input.
      """)
  var input: String

  @Argument(
    help: "The file for the reply: .wav, .flac, .ogg, .opus or .mp3; or - for raw samples on standard output."
  )
  var output: String

  @OptionGroup var model: ModelOptions
  @OptionGroup var sound: SoundOptions
  @OptionGroup var replacing: OutputOptions
  @OptionGroup var ahead: PredictionOptions

  @Option(help: "The same seed and the same sound give the same reply.")
  var seed: UInt64 = 0

  @Flag(help: "Always take the most likely token.")
  var greedy = false

  @Flag(help: "Write both voices: the person on the left channel, the model on the right.")
  var stereo = false

  @Option(help: ArgumentHelp("Write what the model says to a text file.", valueName: "file"))
  var text: String?

  @Option(
    help: ArgumentHelp(
      "Log the latency of every frame and turn to a directory; see 'antiphon help report'.",
      valueName: "directory"))
  var latency: String?

  @Option(
    help: ArgumentHelp("Act as if the step of every so many frames were late.", visibility: .private))
  var lateEvery = 0

  @Flag(
    help:
      "Compare what the drafter guesses with what the backbone draws, several frames in one pass: the same reply, sooner."
  )
  var speculate = false

  @Flag(help: "Print what the model says, with times, as JSON.")
  var json = false

  func validate() throws {
    if json && output == "-" {
      throw ValidationError("--json and an output of - both print to standard output.")
    }
    try validateSpeculation()
  }

  private func validateSpeculation() throws {
    guard lateEvery >= 0 else { throw ValidationError("--late-every takes a number from 0.") }
    guard speculate else { return }
    guard ahead.prediction == .none, ahead.framesPerPass != .auto, lateEvery == 0 else {
      throw ValidationError(
        "--speculate does not go with --early, --frames-per-pass or --late-every: its reply is that of single steps."
      )
    }
    guard latency == nil else {
      throw ValidationError(
        "--speculate does not go with --latency: frames that are answered together have no times of their own."
      )
    }
  }

  mutating func run() throws {
    try replacing.check(output, besides: input)
    if let text { try replacing.check(text, besides: input, output) }
    let directory = try ModelOptions.directory(model.model)
    let model = try Model.open(
      directory, threads: model.threads, cache: model.kv.options,
      isDrafting: ahead.isDrafting(directory) || lateEvery > 0 || speculate)
    var options = FileSession.Options()
    (options.seed, options.isGreedy, options.isStereo) = (seed, greedy, stereo)
    options.prediction = try ahead.prediction(for: model)
    options.isSpeculative = speculate
    // Logs tell how good the drafts were.
    options.prediction.isMeasured = latency != nil && options.prediction != .none
    if lateEvery > 0 { (options.lateEvery, options.prediction.spare) = (lateEvery, 1) }
    let session = FileSession(model, options)
    try session.check(hasLog: latency != nil)
    let rate = model.codec.configuration.sampleRate
    let source = try sound.open(input, sampleRate: rate)
    let recorder = try latency.map { try self.recorder($0, model, options.prediction) }
    let sink = try SoundFileWriter.create(
      output, channels: stereo ? 2 : 1, sampleRate: rate, overwrite: replacing.overwrite, input: input)
    Interruption.watch()

    var outcome: FileSession.Outcome?
    var progress = Progress(total: source.duration)
    let ran = Result {
      try session.run(from: source, to: sink, recorder: recorder) { sofar in
        outcome = sofar
        progress.show(sofar.seconds)
        return !Interruption.isRequested
      }
    }
    progress.clear()
    // However the run ended, every output is completed, and the first failure is reported.
    let finished = Result { try sink.finish() }
    let saved = Result { try save(outcome?.text ?? "") }
    let logged = Result { try recorder?.finish() }
    if let outcome { try tell(outcome, (try? logged.get()) ?? nil) }
    if speculate, let outcome {
      Terminal.remark("\(outcome.frames) frames in \(outcome.passes) passes of the backbone")
    }
    _ = try ran.get()
    try finished.get()
    try saved.get()
    _ = try logged.get()
    try EarlyEnd.check(source, path: output, seconds: outcome?.seconds ?? 0)
  }

  private func save(_ said: String) throws {
    if let text {
      try TextFile.write(said + "\n", to: text)
    }
  }

  private func tell(_ outcome: FileSession.Outcome, _ report: LatencyReport?) throws {
    if json { return Terminal.print(try JSON.text(RespondView(outcome))) }
    // If the sound goes to standard output, text cannot.
    let print = output == "-" ? Terminal.remark : Terminal.print
    if text == nil && !outcome.text.isEmpty { print(outcome.text) }
    if let report { print("\n" + LatencyText.text(report.summary)) }
  }

  private func recorder(_ directory: String, _ model: Model, _ prediction: Prediction) throws
    -> LatencyRecorder
  {
    let (dialogue, tokenizer) = (model.dialogue, model.tokenizer)
    let configuration = dialogue.configuration
    var metadata = RunMetadata.describe(model, threads: self.model.threads, prediction)
    metadata["mode"] = "file"
    metadata["seed"] = greedy ? nil : String(seed)
    metadata["greedy"] = greedy ? "1" : "0"
    metadata[RunMetadata.startMicroseconds] = Host.processAge().map { String($0) }
    return try LatencyRecorder(directory: directory, metadata: metadata, overwrite: replacing.overwrite) {
      tokens in
      var words = StreamingText(
        tokenizer, endOfPadding: configuration.textEndOfPadding, padding: configuration.textPadding,
        initial: Int32(dialogue.streams.textCardinality))
      return tokens.reduce(into: "") { $0 += words.append($1) } + words.finish()
    }
  }
}

/// The output of `respond --json`.
struct RespondView: Encodable {
  struct Piece: Encodable {
    let seconds: Double
    let text: String
  }

  let frames: Int
  let seconds: Double
  let text: String
  let pieces: [Piece]

  init(_ outcome: FileSession.Outcome) {
    frames = outcome.frames
    seconds = outcome.seconds
    text = outcome.text
    pieces = outcome.pieces.map { Piece(seconds: $0.seconds, text: $0.text) }
  }
}
