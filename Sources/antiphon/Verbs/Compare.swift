import ArgumentParser
import AudioIO
import Base
import Codec
import Dialogue
import Measure
import Runtime

/// `antiphon compare`
struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure how far a quantized model's predictions are from the original's.",
    discussion: """
      The first model holds a conversation with a recording, and the second is given the same tokens. The mean \
      Kullback-Leibler divergence, in nats per frame, is printed for every row (text and each codebook) and every part of \
      the window.

      Example:
        antiphon compare models/moshika models/moshika-q4 question.flac
        antiphon compare models/moshika models/moshika question.flac --bits 8
        antiphon compare models/moshika models/moshika question.flac --kv q4 --fold other.flac
      """)

  @Argument(help: "The model to compare with.")
  var first: String

  @Argument(help: "The model whose predictions are compared with it.")
  var second: String

  @Argument(help: "A recording, or a codes file of the first model's codec.")
  var recording: String

  @Option(help: "Quantize the second model's matrices to 8 or 4 bits at load.")
  var bits: Int?

  @OptionGroup var memory: CacheComparison
  @OptionGroup var sound: SoundOptions

  @Option(help: "Seed of the generator that draws the first model's tokens.")
  var seed: UInt64 = 1

  @Option(help: "Threads that share the work of one frame.")
  var threads = Threads.usual

  @Flag(help: "Print as JSON.")
  var json = false

  func validate() throws {
    if let bits, bits != 8 && bits != 4 { throw ValidationError("--bits takes 8 or 4.") }
    try Threads.validate(threads)
  }

  mutating func run() throws {
    let models = try [ModelOptions.directory(first), ModelOptions.directory(second)]
    let original = try Dialogue.open(models[0], threads: threads)
    var cache = memory.options
    if let recording = memory.fold {
      cache.keyFolds = try folds(
        of: original, hearing: try codes(of: recording, for: original, in: models[0]))
    }
    let rounded = try Dialogue.open(models[1], threads: threads, bits: bits, cache: cache)
    guard original.hasStreams(of: rounded) else {
      throw CommandError.differentStreams(first: models[0], second: models[1])
    }
    let user = try codes(of: recording, for: original, in: models[0])
    let frames = user.count / max(original.streams.user, 1)
    Interruption.watch()
    var progress = Progress(total: Double(frames) / 12.5)
    let comparison = original.compare(with: rounded, user: user, seed: seed) { frame in
      progress.show(Double(frame) / 12.5)
      return !Interruption.isRequested
    }
    progress.clear()
    let view = ComparisonView(comparison)
    Terminal.print(json ? try JSON.text(view) : view.text)
  }

  /// Factors for folding keys, from a conversation over these codes.
  private func folds(of dialogue: Dialogue, hearing user: [Int32]) throws -> [[Float]] {
    let count = dialogue.streams.user
    var stepper = DialogueStepper(dialogue)
    var state = dialogue.makeState(seed: seed)
    var own = [Int32](repeating: 0, count: dialogue.streams.own)
    for first in stride(from: 0, to: user.count, by: max(count, 1)) {
      var codes = own.mutableSpan
      _ = stepper.step(user.span.extracting(first..<first + count), into: &codes, &state)
    }
    return try dialogue.keyFolds(state)
  }

  /// A recording as the model hears it, [frames][user]; at least one frame.
  private func codes(of recording: String, for dialogue: Dialogue, in directory: String) throws -> [Int32] {
    let all = try read(recording, for: dialogue, in: directory)
    guard !all.isEmpty else { throw CommandError.nothingToCompare(path: recording) }
    return all
  }

  private func read(_ recording: String, for dialogue: Dialogue, in directory: String) throws -> [Int32] {
    let count = dialogue.streams.user
    if recording.hasSuffix(".codes") || recording.hasSuffix(".safetensors") {
      let file = try CodesFile(recording)
      guard file.codebooks >= count else {
        throw CommandError.tooManyCodebooks(path: recording, found: count, available: file.codebooks)
      }
      let all = (0..<file.frames).flatMap { file.frame($0).prefix(count) }
      let cardinality = dialogue.streams.cardinality
      if let wrong = all.firstIndex(where: { !(0..<Int32(cardinality)).contains($0) }) {
        throw CommandError.codeOutOfRange(
          path: recording, frame: wrong / count, codebook: wrong % count, found: Int(all[wrong]),
          cardinality: cardinality)
      }
      return all
    }
    let codec = try Codec.open(ModelOptions.codec(in: directory), codebooks: count, threads: threads)
    let source = try sound.open(recording, sampleRate: codec.configuration.sampleRate)
    var frame = [Float](repeating: 0, count: codec.configuration.samplesPerFrame)
    var codes = [Int32](repeating: 0, count: count)
    var all: [Int32] = []
    var state = codec.makeEncoderState()
    while true {
      var samples = frame.mutableSpan
      if source.read(into: &samples) == 0 { break }
      var coded = codes.mutableSpan
      codec.encode(frame.span, into: &coded, &state)
      all += codes
    }
    try EarlyEnd.check(source, path: recording, seconds: source.duration ?? 0)
    return all
  }
}

/// How the second of two models stores keys and values.
struct CacheComparison: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How the second model stores keys and values: f32, f16, q8 or q4.", valueName: "form"))
  var kv = CacheFormOption.f32

  @Flag(inversion: .prefixedNo, help: "In q4: rotate heads by a Hadamard matrix.")
  var rotation = true

  @Option(
    help: ArgumentHelp(
      "In q4: fold keys with factors from the first model's keys for this recording.", valueName: "recording")
  )
  var fold: String?

  @Option(help: "In q4: last positions that are read in 8 bits.")
  var recent = CacheOptions().recent

  @Option(help: "In q4: first positions that are read in 8 bits.")
  var pinned = CacheOptions().pinned

  func validate() throws {
    guard (0...1_000_000).contains(recent), (0...1_000_000).contains(pinned) else {
      throw ValidationError("--recent and --pinned take a number from 0 to 1000000.")
    }
    guard fold == nil || kv == .q4 else { throw ValidationError("--fold goes with --kv q4.") }
  }

  var options: CacheOptions {
    var options = kv.options
    (options.isRotated, options.isFolded) = (rotation, fold != nil)
    (options.recent, options.pinned) = (recent, pinned)
    return options
  }
}

/// The result of `compare`.
struct ComparisonView: Encodable {
  struct Bucket: Encodable {
    /// Position of the first frame, and the position after the last one.
    let from: Int
    let to: Int?
    let frames: Int
    /// Mean, in nats.
    let divergence: Double
    /// Share of the frames in which both models find the same token most likely.
    let agreement: Double
  }

  struct Row: Encodable {
    let name: String
    let divergence: Double
    let agreement: Double
    let buckets: [Bucket]
  }

  let frames: Int
  let rows: [Row]

  init(_ comparison: Comparison) {
    frames = comparison.rows[0].reduce(0) { $0 + $1.frames }
    rows = comparison.rows.enumerated().map { index, sums in
      let frames = max(sums.reduce(0) { $0 + $1.frames }, 1)
      let buckets = sums.enumerated().filter { $0.element.frames > 0 }.map { position, sum in
        Bucket(
          from: Comparison.buckets[position],
          to: position + 1 < Comparison.buckets.count ? Comparison.buckets[position + 1] : nil,
          frames: sum.frames, divergence: sum.mean, agreement: Double(sum.agreed) / Double(sum.frames))
      }
      return Row(
        name: index == 0 ? "text" : "codebook \(index - 1)",
        divergence: sums.reduce(0) { $0 + $1.total } / Double(frames),
        agreement: Double(sums.reduce(0) { $0 + $1.agreed }) / Double(frames), buckets: buckets)
    }
  }

  var text: String {
    let spans = rows[0].buckets.map { bucket in
      bucket.to.map { "frames \(bucket.from) to \($0 - 1)" } ?? "frames from \(bucket.from)"
    }
    let lines = rows.map { row in
      [row.name, NumberText.fixed(row.divergence, 5)]
        + row.buckets.map { NumberText.fixed($0.divergence, 5) }
        + [NumberText.fixed(row.agreement * 100, 1) + " %"]
    }
    return "\(frames) frames; divergence in nats, and how often both find the same token most likely\n"
      + TextTable.text([["", "all"] + spans + ["same"]] + lines)
  }
}
