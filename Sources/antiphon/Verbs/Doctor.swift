import ArgumentParser
import AudioIO
import Base
import Codec
import Dialogue
import Kernels
import Latency
import Measure
import Runtime

/// `antiphon doctor`
struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Report which models this machine runs in real time.",
    discussion: """
      Measures memory and kernels for some seconds, and predicts the time of a frame for every known model: its step with \
      a full window (--kv sets the form of keys and values), and Mimi's encoder and decoder. A frame lasts 80 ms. With \
      --check it then runs a model's step and compares.

      Example:
        antiphon doctor
        antiphon doctor --check --model models/stt-1b
      """)

  @OptionGroup var model: ModelOptions

  @Flag(
    help:
      "Run the model's step as 'bench step --flat-out' does, and fail if it is far from the prediction.")
  var check = false

  @Flag(help: "Print as JSON.")
  var json = false

  // The largest ratio between measured and predicted time; a small model may be off by a millisecond instead.
  private static let tolerance = 1.35
  private static let smallMs = 1.0
  private static let frames = 40

  mutating func run() throws {
    if check { return try compare() }
    let speed = MachineSpeed(threads: model.threads, .quiet)
    let view = DoctorView(
      speed, kv: model.kv.form, instructions: Kernels.name, usual: try usual(speed).map { [$0] } ?? [],
      sound: Self.sound())
    Terminal.print(json ? try JSON.text(view) : view.text)
  }

  /// The named model, or the one that ships with the program, from its own tensors.
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
    let codecTime = CodecBench.milliseconds(of: codec) / 1000
    let read = try StepWork.of(files, kv: model.kv.options, frames: files.configuration.context)
    let cases = [16, 8, 4].map { bits in
      let work = read(bits)
      return Assessment(
        work, step: speed.seconds(work), codec: codecTime, needed: 2 * work.weightBytes + work.cacheBytes,
        memory: Host.memory)
    }
    return DoctorView.Model(
      name: name, isRead: true, cases: cases, help: "")
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
    let work = try StepWork.of(files, kv: model.kv.options, frames: Self.frames / 2)(nil)
    let predicted = MachineSpeed(threads: model.threads, .now).seconds(work) * 1000
    let measured =
      try StepBench(
        Dialogue.open(directory, threads: model.threads, cache: model.kv.options), codec: nil,
        BenchRun.Pace(frames: Self.frames, isFlatOut: true), threads: model.threads
      ).run(name: directory, bits: "as in the file", kv: model.kv.rawValue, version: Antiphon.version)
      .stages[LatencyStage.step.rawValue]?.p50 ?? 0
    let view = PredictionView(
      model: files.weights, predictedMs: predicted, measuredMs: measured, ratio: measured / predicted)
    Terminal.print(
      json
        ? try JSON.text(view)
        : "predicted \(NumberText.fixed(predicted, 2)) ms, measured \(NumberText.fixed(measured, 2)) ms (median of "
          + "\(Self.frames)), ratio \(NumberText.fixed(view.ratio, 2))")
    let isNear = (1 / Self.tolerance...Self.tolerance).contains(view.ratio)
    guard isNear || abs(measured - predicted) < Self.smallMs else {
      throw CommandError.wrongPrediction(model: files.weights, predicted: predicted, measured: measured)
    }
  }
}

/// The result of `doctor --check`.
struct PredictionView: Encodable {
  let model: String
  let predictedMs: Double
  let measuredMs: Double
  /// Measured over predicted.
  let ratio: Double
}
