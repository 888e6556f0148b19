import ArgumentParser
import AudioIO
import Base
import Checkpoint
import Codec
import Dialogue
import Kernels
import Runtime

/// `antiphon doctor`
struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tell which models this machine runs in real time.",
    discussion: """
      Measures memory and kernels for some seconds, and works out a frame of every known model: its step with a full \
      window (--kv says how its keys and values are kept) and Mimi both ways, in 80 ms. With --check it then runs a \
      model's step and compares.

      Example:
        antiphon doctor
        antiphon doctor --check --model models/stt-1b
      """)

  @OptionGroup var model: ModelOptions

  @Flag(
    help:
      "Run the model's step as 'bench step --flat-out' does, and fail where it is far from the prediction.")
  var check = false

  @Flag(help: "Print as JSON.")
  var json = false

  // How far the machine may be from its own prediction, as a ratio; a small model's step is as far off within a millisecond.
  private static let tolerance = 1.35
  private static let smallMs = 1.0
  private static let frames = 40

  mutating func run() throws {
    if check { return try compare() }
    let speed = MachineSpeed(threads: model.threads, .quiet)
    let view = DoctorView(
      speed, kv: model.kv, instructions: Kernels.name, usual: try usual(speed).map { [$0] } ?? [],
      sound: Self.sound())
    Terminal.print(json ? try JSON.text(view) : view.text)
  }

  /// The model that ships, or was named, from its own tensors.
  private func usual(_ speed: MachineSpeed) throws -> DoctorView.Model? {
    let (directory, name): (String, String)
    if let named = model.model {
      (directory, name) = (try ModelOptions.directory(named), named)
    } else {
      guard let shipped = Assets.defaultModel() else { return nil }
      (directory, name) = (shipped.directory, shipped.isTrained ? "ours (default)" : "the tiny test model")
    }
    let files = try DialogueFiles(directory)
    let codec = try Codec.open(directory + "/" + files.configuration.files.codec)
    let codecTime = Self.time(of: codec)
    let read = try Self.work(of: files, kv: model.kv, frames: files.configuration.context)
    let cases = [16, 8, 4].map { bits in
      let work = read(bits)
      return DoctorView.assess(
        work, step: speed.seconds(work), codec: codecTime, needed: 2 * work.weightBytes + work.cacheBytes,
        memory: Host.memory)
    }
    return DoctorView.Model(
      name: name, isRead: true, cases: cases, help: "")
  }

  /// What a step of a model does, from the tensors that it reads, at a number of bits or as they are stored.
  private static func work(of files: DialogueFiles, kv: CacheWord, frames: Int) throws -> (Int?) -> StepWork {
    let (checkpoint, survey) = try Dialogue.survey(files)
    let matrices = survey.reads.filter(\.isMatrix)
    let weights = matrices.reduce(0) { $0 + $1.stacked * $1.columns }
    let stored = matrices.reduce(0) { $0 + (checkpoint.tensors[$1.name]?.byteCount ?? 0) }
    let products = matrices.reduce(0) { $0 + $1.stacked / $1.rows }
    let cacheBytes = frames * (try Dialogue.open(files.directory, cache: kv.options).cacheBytesPerFrame)
    return { bits in
      StepWork(
        weightBytes: bits.map { StepWork.bytes(weights, bits: $0) } ?? stored,
        bits: bits ?? checkpoint.card?.bits ?? 16, products: products, cacheBytes: cacheBytes)
    }
  }

  /// Seconds that a codec takes for a frame, both ways.
  private static func time(of codec: Codec) -> Double {
    var frame = [Float](repeating: 0.01, count: codec.configuration.samplesPerFrame)
    var codes = [Int32](repeating: 0, count: codec.configuration.codebooks)
    var encoder = codec.makeEncoderState()
    var decoder = codec.makeDecoderState()
    var times: [Int64] = []
    for _ in 0..<9 {
      let start = MonotonicClock.microseconds
      var coded = codes.mutableSpan
      codec.encode(frame.span, into: &coded, &encoder)
      var decoded = frame.mutableSpan
      codec.decode(codes.span, into: &decoded, &decoder)
      times.append(MonotonicClock.microseconds - start)
    }
    return Double(times.sorted()[times.count / 2]) / 1e6
  }

  /// One line on microphones and loudspeakers.
  private static func sound() -> String {
    do throws(AudioDeviceError) {
      let capture = try ALSADevice.choose(nil, .capture)
      let playback = try ALSADevice.choose(nil, .playback)
      return "microphone '\(capture.name)' and loudspeaker '\(playback.name)' can be opened"
    } catch {
      let message = Message(error)
      return message.sentence + " " + message.remedy
    }
  }

  private func compare() throws {
    let directory = try ModelOptions.directory(model.model)
    let files = try DialogueFiles(directory)
    let work = try Self.work(of: files, kv: model.kv, frames: Self.frames / 2)(nil)
    let predicted = MachineSpeed(threads: model.threads, .now).seconds(work) * 1000
    let measured = try BenchStep.median(
      of: directory, kv: model.kv, threads: model.threads, frames: Self.frames)
    let view = PredictionView(
      model: files.weights, predictedMs: predicted, measuredMs: measured, ratio: measured / predicted)
    Terminal.print(
      json
        ? try JSON.text(view)
        : "predicted \(Figures.fixed(predicted, 2)) ms, measured \(Figures.fixed(measured, 2)) ms (median of "
          + "\(Self.frames)), ratio \(Figures.fixed(view.ratio, 2))")
    let isNear = (1 / Self.tolerance...Self.tolerance).contains(view.ratio)
    guard isNear || abs(measured - predicted) < Self.smallMs else {
      throw CommandError.wrongPrediction(model: files.weights, predicted: predicted, measured: measured)
    }
  }
}

/// What `doctor --check` tells.
struct PredictionView: Encodable {
  let model: String
  let predictedMs: Double
  let measuredMs: Double
  /// Measured over predicted.
  let ratio: Double
}
