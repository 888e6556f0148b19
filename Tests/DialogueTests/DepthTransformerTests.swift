import Checkpoint
import Kernels
import TestSupport
import Testing

@testable import Dialogue

/// A depth transformer with steps, vocabularies and names that are not those of speech.
struct DepthTransformerTests {
  private static let vocabularies = [5, 9, 7]

  private static func configuration(of dialogue: Dialogue) throws -> DepthConfiguration {
    let usual = try #require(dialogue.configuration.depth)
    return DepthConfiguration(
      width: 16, heads: 2, layers: 1, norm: usual.norm, gated: true, headNorm: nil, schedule: [0, 1, 1],
      lowRank: nil, firstVocabulary: 11, vocabularies: vocabularies,
      names: DepthNames(
        input: "motion.in", firstEmbedding: "motion.first", embedding: "motion.emb",
        layers: "motion.layers", headNorm: "motion.norm", head: "motion.head", unrolled: "motion.steps"))
  }

  private static func write(to path: String, inputs: Int) throws {
    var noise = Noise(90)
    var writer = SafetensorsWriter()
    func add(_ name: String, _ shape: Int...) {
      writer.add("motion." + name, noise.floats(shape.reduce(1, *)), shape: shape)
    }
    for set in 0..<2 {
      add("in.\(set).weight", 16, inputs)
      add("layers.0.gating.\(set).linear_in.weight", 24, 16)
      add("layers.0.gating.\(set).linear_out.weight", 16, 12)
    }
    add("first.weight", 12, 16)
    add("layers.0.norm1.alpha", 16)
    add("layers.0.norm2.alpha", 16)
    add("layers.0.self_attn.in_proj_weight", 96, 16)
    add("layers.0.self_attn.out_proj.weight", 32, 16)
    for (step, count) in vocabularies.enumerated() {
      if step < 2 { add("emb.\(step).weight", count + 1, 16) }
      add("head.\(step).weight", count, 16)
    }
    try writer.write(to: path)
  }

  @Test("every step gives logits of its own vocabulary, and lanes do not touch each other")
  func vocabularies() throws {
    let dialogue = try Dialogue.golden()
    let width = dialogue.configuration.width
    let directory = try TemporaryDirectory()
    try Self.write(to: directory.file("motion.safetensors"), inputs: width)
    let head = try DepthTransformer(
      Checkpoint.open(directory.file("motion.safetensors")), Self.configuration(of: dialogue), inputs: width)
    let plan = dialogue.scratchPlan(states: 2)
    var memory = plan.memory
    let regions = head.reserveScratch(lanes: 2, in: &memory)
    let scratch = DialogueScratch(
      DialogueScratch.Plan(
        memory: memory, states: 2, lanes: 2, backbone: plan.backbone, speaker: plan.speaker,
        newest: plan.newest, active: plan.active, drafter: nil))
    var noise = Noise(91)
    let hidden = noise.floats(2 * width)

    /// Tokens by step, [3][lanes], and the first lane's logits.
    func draw(_ hidden: [Float], first: [Int32]) -> (tokens: [[Int32]], logits: [[Float]]) {
      var (tokens, drawn) = (first, [[Int32]](repeating: [], count: 3))
      head.step(
        hidden, &tokens, count: first.count, steps: 3, regions, scratch.depthPass(dialogue.workers)
      ) { step, _, logits in
        drawn[step].append(Kernels.largest(logits, Self.vocabularies[step]))
        return drawn[step][drawn[step].count - 1]
      }
      return (drawn, (0..<3).map { Array(head.logits(step: $0, regions, scratch.memory.view)) })
    }
    let both = draw(hidden, first: [10, 3])
    let alone = [draw(Array(hidden[..<width]), first: [10]), draw(Array(hidden[width...]), first: [3])]
    #expect(both.logits.map(\.count) == Self.vocabularies)
    #expect(both.logits == alone[0].logits && both.logits != alone[1].logits)
    #expect(both.tokens == (0..<3).map { alone[0].tokens[$0] + alone[1].tokens[$0] })
    // The first token matters to all steps.
    #expect(draw(Array(hidden[..<width]), first: [0]).logits[2] != both.logits[2])
  }

  @Test("a tensor that is missing is named as the names say")
  func names() throws {
    let dialogue = try Dialogue.golden()
    let directory = try TemporaryDirectory()
    try Self.write(to: directory.file("motion.safetensors"), inputs: dialogue.configuration.width)
    var configuration = try Self.configuration(of: dialogue)
    configuration.names.head = "motion.heads"
    let error: CheckpointError? = caught {
      _ = try DepthTransformer(
        Checkpoint.open(directory.file("motion.safetensors")), configuration,
        inputs: dialogue.configuration.width)
    }
    guard case .missingTensor(_, "motion.heads.0.weight", _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }
}
