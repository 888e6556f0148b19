import Checkpoint
import Foundation
import Kernels
import Measure
import TestSupport
import Testing

@testable import Dialogue

/// Packing a model: what comes out is what rounding at load gives, however often it was stopped.
struct ConversionTests {
  private let directory: TemporaryDirectory
  private var packed: String { directory.path }

  init() throws { directory = try TemporaryDirectory() }

  private func plan(
    _ model: String = "plain", bits: Int, kept: [String: Int] = [:]
  ) throws(CheckpointError) -> ConversionPlan {
    let (checkpoint, survey) = try Dialogue.survey(DialogueFiles(Golden.path("tiny-quantized/" + model)))
    return try ConversionPlan(checkpoint, survey, bits: bits, kept: kept)
  }

  @discardableResult
  private func convert(
    _ model: String = "plain", bits: Int, kept: [String: Int] = [:], stopAfter: Int = .max
  ) throws -> (card: PackedCard?, resumed: Int) {
    let configuration = Golden.path("tiny-quantized/plain/config.json")
    try? FileManager.default.copyItem(atPath: configuration, toPath: packed + "/config.json")
    var conversion = try Conversion(plan(model, bits: bits, kept: kept), to: packed + "/model.safetensors")
    var calls = 0
    let card = try conversion.run { _ in
      calls += 1
      return calls < stopAfter
    }
    return (card, conversion.resumed)
  }

  private static let steps = 24

  private func trace(_ dialogue: Dialogue) throws -> DialogueTrace {
    try dialogue.trace(dialogue.babble(5, Self.steps), steps: Self.steps)
  }

  @Test(
    "a packed model computes the same as one rounded at load, to the last bit",
    arguments: ["plain", "gguf", "mlx-q8", "mlx-q4"], [8, 4])
  func equal(model: String, bits: Int) throws {
    let card = try #require(try convert(model, bits: bits).card)
    #expect(card.tensors.count == 17)
    let rounded = try trace(Dialogue.open(Golden.path("tiny-quantized/" + model), bits: bits))
    let opened = try trace(Dialogue.open(packed))
    #expect(opened.textLogits == rounded.textLogits && opened.audioLogits == rounded.audioLogits)
    #expect(opened.text == rounded.text && opened.audio == rounded.audio)
  }

  @Test("quantized files are near the plain model, straight", arguments: ["gguf", "mlx-q8", "mlx-q4"])
  func straight(model: String) throws {
    let plain = try Dialogue.open(Golden.path("tiny-quantized/plain"))
    let other = try Dialogue.open(Golden.path("tiny-quantized/" + model))
    #expect(other.bytesPerStep < plain.bytesPerStep)
    let user = plain.babble(5, Self.steps)
    for stream in plain.compare(with: other, user: user, seed: 1).rows {
      #expect(stream[0].frames == Self.steps && stream[0].mean < 0.02)
    }
  }

  @Test(
    "matrices that stand in one tensor are packed one by one, and need not have a multiple of sixteen rows")
  func stacked() throws {
    // 3 x 32 rows for each of two sets.
    let source = try Checkpoint.open(Golden.path("tiny-quantized/plain/model.safetensors"))
    let survey = Survey()
    let read = try Checkpoint.open(source.path, survey: survey).scope("transformer.layers.0.gating")
    _ = try read.matrix("linear_in.weight", 4, 64, rowOffset: 4, stacked: 128)
    var conversion = try Conversion(
      ConversionPlan(source, survey, bits: 8, kept: [:]), to: packed + "/model.safetensors")
    let card = try #require(try conversion.run { _ in true })
    #expect(card.tensors["transformer.layers.0.gating.linear_in.weight"]?.parts == 32)
    let opened = try Checkpoint.open(packed + "/model.safetensors").scope("transformer.layers.0.gating")
    let rounded = try Checkpoint.open(source.path, weights: .quantized(bits: 8)).scope(
      "transformer.layers.0.gating")
    for part in [0, 7, 31] {
      let a = try opened.matrix("linear_in.weight", 4, 64, rowOffset: part * 4, stacked: 128)
      let b = try rounded.matrix("linear_in.weight", 4, 64, rowOffset: part * 4, stacked: 128)
      for row in 0..<4 { #expect((0..<64).allSatisfy { a[row, $0] == b[row, $0] }) }
    }
  }

  @Test("a conversion that is stopped again and again goes on, and makes the same file as one in one go")
  func resumes() throws {
    try convert(bits: 4)
    let whole = try Data(contentsOf: URL(filePath: packed + "/model.safetensors"))
    try FileManager.default.removeItem(atPath: packed + "/model.safetensors")
    var (resumed, runs) = ([Int](), 0)
    while runs < 100 {
      runs += 1
      let (card, found) = try convert(bits: 4, stopAfter: 40)
      resumed.append(found)
      if card != nil { break }
      #expect(!FileManager.default.fileExists(atPath: packed + "/model.safetensors"))
      if found == 30 { break }
    }
    if resumed.last == 30 { #expect(try convert(bits: 4).card != nil) }
    #expect(resumed.first == 0 && runs > 1)
    #expect(try Data(contentsOf: URL(filePath: packed + "/model.safetensors")) == whole)
    #expect(!FileManager.default.fileExists(atPath: packed + "/model.safetensors.progress"))
  }

  @Test("what another conversion left unfinished is thrown away")
  func anotherConversion() throws {
    #expect(try convert(bits: 4, stopAfter: 20).card == nil)
    let (card, resumed) = try convert(bits: 8)
    #expect(resumed == 0 && card?.bits == 8)
    _ = try Dialogue.open(packed)
  }

  @Test("what reads back as something else is refused, and made anew")
  func damaged() throws {
    #expect(try convert(bits: 8, stopAfter: 36).card == nil)
    let partial = packed + "/model.safetensors.partial"
    var bytes = try Data(contentsOf: URL(filePath: partial))
    bytes[bytes.count / 3] ^= 1
    try bytes.write(to: URL(filePath: partial))
    let fault = checkpointError { () throws(CheckpointError) in
      var conversion = try Conversion(try plan(bits: 8), to: packed + "/model.safetensors")
      _ = try conversion.run { _ in true }
    }
    guard case .readsBackWrong = fault else {
      Issue.record("\(String(describing: fault))")
      return
    }
    #expect(try convert(bits: 8).resumed == 0)
  }

  @Test("--keep leaves a matrix as it is, or gives it other bits; the longest name says it")
  func kept() throws {
    let kept = ["transformer": 8, "transformer.layers.0.self_attn": 16, "text_linear.weight": 16]
    let card = try #require(try convert(bits: 4, kept: kept).card)
    #expect(card.kept == kept)
    #expect(card.tensors["transformer.layers.0.gating.linear_in.weight"]?.bits == 8)
    #expect(card.tensors["transformer.layers.0.self_attn.in_proj_weight"] == nil)
    #expect(card.tensors["text_linear.weight"] == nil)
    #expect(card.tensors["depformer.0.linear_in.weight"]?.bits == 4)
    #expect(try PackedCard(Safetensors(packed + "/model.safetensors")) == card)
    #expect(card.tensors.values.allSatisfy { (Double($0.error) ?? 1) < 0.02 })
  }

  @Test(
    "a name that fits nothing, a matrix that fits no block, and a model that is packed already are refused")
  func refused() throws {
    let path = Golden.path("tiny-quantized/plain/model.safetensors")
    #expect(
      checkpointError { () throws(CheckpointError) in _ = try plan(bits: 8, kept: ["text": 4]) }
        == .nothingNamed(file: path, name: "text"))
    let tiny = try DialogueFiles(Golden.path("tiny-dialogue/moshi"))
    #expect(
      checkpointError { () throws(CheckpointError) in
        let (checkpoint, survey) = try Dialogue.survey(tiny)
        _ = try ConversionPlan(checkpoint, survey, bits: 8, kept: ["text_linear": 4])
      }
        == .cannotQuantize(file: tiny.weights, tensor: "text_linear.weight", bits: 4, inputs: 24))
    try convert(bits: 8)
    #expect(
      checkpointError { () throws(CheckpointError) in
        let (checkpoint, survey) = try Dialogue.survey(try DialogueFiles(packed))
        _ = try ConversionPlan(checkpoint, survey, bits: 4, kept: [:])
      } == .alreadyPacked(file: packed + "/model.safetensors"))
  }

  @Test("a model is not different from itself, a little from its 8 bits, and more from its 4")
  func divergence() throws {
    let model = Golden.path("tiny-dialogue/moshi")
    let plain = try Dialogue.open(model)
    let user = plain.babble(3, 70)
    for stream in plain.compare(with: plain, user: user, seed: 1).rows {
      #expect(stream[0].total == 0 && stream[1].total == 0 && stream[0].agreed == 64)
      #expect(stream[0].frames == 64 && stream[1].frames == 6)
    }
    let quantized = try Dialogue.open(Golden.path("tiny-quantized/plain"))
    let babble = quantized.babble(3, 40)
    func sum(_ bits: Int) throws -> Double {
      let rounded = try Dialogue.open(Golden.path("tiny-quantized/plain"), bits: bits)
      return quantized.compare(with: rounded, user: babble, seed: 1).rows.reduce(0) { $0 + $1[0].mean }
    }
    #expect(try sum(8) > 0 && sum(8) < 0.1)
    #expect(!plain.hasStreams(of: quantized))
  }
}
