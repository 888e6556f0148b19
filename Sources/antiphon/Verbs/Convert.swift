import ArgumentParser
import Base
import Checkpoint
import Dialogue
import Runtime

/// `antiphon convert`
struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Pack a model's weights into 8 or 4 bits.",
    discussion: """
      Makes a model directory that every other verb can read. Matrices are quantized; tables of embeddings, \
      norms, the codec and the tokenizer are copied unchanged. If a conversion is stopped, running the same command \
      again resumes it. docs/Quantization.md gives the loss of accuracy.

      Example:
        antiphon convert models/moshika models/moshika-q4 --bits 4 --keep text_linear=8
      """)

  @Argument(help: "A model directory in the published layout, or a file of weights in one.")
  var model: String

  @Argument(help: "The directory to make.")
  var output: String

  @Option(help: "Bits of a weight: 8 or 4.")
  var bits: Int

  @Option(
    help: ArgumentHelp(
      "Other bits for a matrix, or for all matrices whose names begin with this: 8, 4, or 16 to leave them unchanged. May be repeated.",
      valueName: "name=bits"))
  var keep: [String] = []

  @OptionGroup var replacing: OutputOptions

  @Flag(help: "Print the result as JSON.")
  var json = false

  func validate() throws {
    guard bits == 8 || bits == 4 else { throw ValidationError("--bits takes 8 or 4.") }
    _ = try kept()
  }

  private func kept() throws -> [String: Int] {
    var kept: [String: Int] = [:]
    for text in keep {
      let parts = text.split(separator: "=", omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty, let bits = Int(parts[1]),
        [8, 4, ConversionPlan.unchanged].contains(bits)
      else { throw ValidationError("--keep takes NAME=8, NAME=4 or NAME=16, not '\(text)'.") }
      kept[String(parts[0])] = bits
    }
    return kept
  }

  mutating func run() throws {
    guard FileSystem.exists(model) else { throw CheckpointError.notFound(file: model) }
    let files = try DialogueFiles(model)
    let (checkpoint, survey) = try Dialogue.survey(files)
    let plan = try ConversionPlan(checkpoint, survey, bits: bits, kept: kept())
    let directory = try PackedDirectory(output, of: files, overwrite: replacing.overwrite)
    Interruption.watch()
    var conversion = try Conversion(plan, to: directory.weights)
    let resumed = conversion.resumed
    if resumed > 0 { Terminal.remark("note: \(resumed) tensors are packed already; resuming.") }
    var progress = ByteProgress()
    var (done, total) = (0, 0)
    let card = try conversion.run { step in
      switch step {
      case .reading(let bytes, let all): progress.show("reading", bytes, of: all)
      case .packing(let bytes, let all):
        (done, total) = (bytes, all)
        progress.show("packing", bytes, of: all)
      case .checking(let bytes, let all): progress.show("checking", bytes, of: all)
      }
      return !Interruption.isRequested
    }
    progress.clear()
    guard let card else {
      throw CommandError.conversionStopped(
        signal: Interruption.signal ?? 0, path: output, done: done, total: total)
    }
    try directory.copyRest()
    // The last check is that the result opens as a model.
    _ = try Dialogue.open(output)
    let view = ConvertView(
      card, source: checkpoint.path, sourceBytes: checkpoint.file.byteCount, output: directory.weights,
      resumed: resumed, missing: directory.missing)
    Terminal.print(json ? try JSON.text(view) : view.text)
  }
}
