import AudioIO
import Base
import Codec
import Dialogue
import Latency
import Runtime

/// Observes a live session: keeps what the screen shows, the recording and the latency logs.
struct TalkScribe {
  private(set) var status = LiveStatus()
  private let session: LiveSession
  private let secondsPerFrame: Double
  private let recording: LiveRecording?
  private let tape: LiveTape?
  private let recorder: LatencyRecorder?
  private var words: StreamingText?
  private var times: [Double] = []  // milliseconds per frame over the last minute

  init(_ session: LiveSession, _ partner: LivePartner, _ talk: Talk) throws {
    self.session = session
    let format = partner.codec.configuration
    secondsPerFrame = Double(format.samplesPerFrame) / Double(format.sampleRate)
    status.frameMilliseconds = secondsPerFrame * 1000
    var metadata = RunMetadata()
    var said = format.codebooks
    if case .model(let model) = partner {
      words = Self.words(model)
      metadata = RunMetadata.describe(model, threads: talk.model.threads, session.options.prediction)
      said = model.dialogue.streams.own
    } else {
      metadata.describeHost()
    }
    metadata["mode"] = talk.mirror ? "mirror" : "live"
    metadata["input"] = session.inputChoice.name + ": " + session.capture.settings.words
    metadata["output"] = session.outputChoice.name + ": " + session.playback.settings.words
    metadata["echo"] = session.options.echo.rawValue
    metadata[RunMetadata.startMicroseconds] = Host.processAge().map { String($0) }

    if let directory = talk.record {
      let tape = LiveTape(samplesPerFrame: format.samplesPerFrame, heard: format.codebooks, said: said)
      recording = try LiveRecording(
        directory: directory, tape: tape, codec: partner.codec, words: words,
        overwrite: talk.replacing.overwrite)
      self.tape = tape
    } else {
      recording = nil
      tape = nil
    }
    let tokens = words
    recorder = try (talk.latency ?? talk.record).map {
      try LatencyRecorder(directory: $0, metadata: metadata, overwrite: talk.replacing.overwrite) { ids in
        guard var words = tokens else { return "" }
        return ids.reduce(into: "") { $0 += words.append($1) } + words.finish()
      }
    }
    session.follow(latencyLog: recorder?.log, tape: tape)
  }

  private static func words(_ model: Model) -> StreamingText {
    let configuration = model.dialogue.configuration
    return StreamingText(
      model.tokenizer, endOfPadding: configuration.textEndOfPadding, padding: configuration.textPadding,
      initial: Int32(model.dialogue.streams.textCardinality))
  }

  /// Takes the frames since the last call. Returns what the model said in them.
  mutating func drain() throws -> String {
    var spoken = ""
    session.log.drain { record in
      status.userDecibels = record.userLoudness.decibels
      status.ownDecibels = record.ownLoudness.decibels
      if let start = record.encodeStart, let end = record.decodeEnd {
        times.append(Double(end - start) / 1000)
      }
      if let id = record.textID, let text = words?.append(Int32(id)) { spoken += text }
    }
    status.transcript = String((status.transcript + spoken).suffix(4000))
    measure()
    try recording?.drain()
    try recorder?.drain()
    return spoken
  }

  private mutating func measure() {
    let counts = session.counts
    let (capture, playback) = (session.capture.counts, session.playback.counts)
    times = times.suffix(750)
    let sorted = times.sorted()
    if !sorted.isEmpty {
      status.median = sorted[sorted.count / 2]
      status.high = sorted[min(sorted.count * 99 / 100, sorted.count - 1)]
    }
    status.seconds = Double(counts.frames) * secondsPerFrame
    status.isMuted = session.isMuted
    status.queueMilliseconds = session.playback.queueSeconds * 1000
    (status.late, status.skipped) = (counts.late, counts.skipped)
    (status.unheard, status.concealed) = (counts.unheard, counts.concealed)
    status.gaps = playback.gaps
    status.demotions = session.privileges.demotions
    (status.captureXruns, status.playbackXruns) = (capture.xruns, playback.xruns)
    status.stretch = session.playback.stretchPartsPerMillion
    status.echoLoss = session.options.echo == .none ? nil : session.canceller.returnLoss
  }

  mutating func finish() throws {
    // Each output is completed whatever happens to the others; the first failure is reported.
    let drained = Result { try drain() }
    let recorded = Result { try recording?.finish() }
    _ = try recorder?.finish()
    _ = try drained.get()
    _ = try recorded.get()
  }
}
