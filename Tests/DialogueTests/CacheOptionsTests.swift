import Checkpoint
import Kernels
import Measure
import TestSupport
import Testing

@testable import Dialogue

/// How conversations remember keys and values.
struct CacheOptionsTests {
  /// A model of a known shape is too large here: one layer's heads, 32 wide, are enough.
  private static func open(_ cache: CacheOptions, in directory: borrowing TemporaryDirectory) throws
    -> Dialogue
  {
    let (width, hidden, text, card) = (64, 32, 24, 16)
    var noise = Noise(50)
    var writer = SafetensorsWriter()
    func add(_ name: String, _ shape: [Int], _ scale: Float = 0.25) {
      writer.add(name, noise.floats(shape.reduce(1, *)).map { $0 * scale }, shape: shape)
    }
    func norm(_ name: String) { writer.add(name, [Float](repeating: 1, count: width), shape: [1, 1, width]) }
    // What was said is not heard again: one other token must not make all that follow others.
    add("text_emb.weight", [text + 1, width], 0)
    for index in 0..<4 { add("emb.\(index).weight", [card + 1, width], 1) }
    for index in 0..<2 {
      let name = "transformer.layers.\(index)"
      norm(name + ".norm1.alpha")
      norm(name + ".norm2.alpha")
      // Some keys are louder than others.
      let projection = noise.floats(3 * width * width).enumerated().map { place, value in
        value * (64..<128 ~= place / width && place / width % 32 < 2 ? 3 : 0.25)
      }
      writer.add(name + ".self_attn.in_proj_weight", projection, shape: [3 * width, width])
      add(name + ".self_attn.out_proj.weight", [width, width])
      add(name + ".gating.linear_in.weight", [2 * hidden, width])
      add(name + ".gating.linear_out.weight", [width, hidden])
    }
    norm("out_norm.alpha")
    add("text_linear.weight", [text, width])
    try writer.write(to: directory.file("model.safetensors"))
    let configuration = """
      {"model_type": "stt", "dim": 64, "num_heads": 2, "num_layers": 2, "context": 60, "max_period": 10000,
       "gating": "silu", "norm": "rms_norm_f32", "positional_embedding": "rope", "card": 16, "text_card": 24,
       "n_q": 4, "dep_q": 0, "delays": [0, 0, 0, 0, 0], "moshi_name": "model.safetensors"}
      """
    try RawFile([UInt8](configuration.utf8)).write(to: directory.file("config.json"))
    return try Dialogue.open(directory.path, cache: cache)
  }

  /// Text tokens of a greedy run.
  private static func text(_ dialogue: Dialogue, frames: Int = 150) -> [Int32] {
    var state = dialogue.makeGreedyState()
    return dialogue.talk(dialogue.babble(51, frames), &state).text
  }

  @Test("a conversation says nearly the same whatever form its memory has, twice round the ring")
  func forms() throws {
    let directory = try TemporaryDirectory()
    let exact = Self.text(try Self.open(CacheOptions(), in: directory))
    #expect(Set(exact).count > 5)
    for (format, least) in [(CacheOptions.Format.f16, 148), (.q8, 135), (.q4, 110)] {
      let said = Self.text(try Self.open(CacheOptions(format), in: directory))
      #expect(zip(exact, said).count { $0 == $1 } >= least, "\(format)")
    }
  }

  @Test("a fold changes nothing but rounding, and comes from a conversation in f32")
  func folds() throws {
    let directory = try TemporaryDirectory()
    let dialogue = try Self.open(CacheOptions(), in: directory)
    var state = dialogue.makeGreedyState()
    let user = dialogue.babble(51, 150)
    let exact = dialogue.talk(user, &state).text
    var folded = CacheOptions(.q4)
    folded.keyFolds = try dialogue.keyFolds(state)
    #expect(folded.keyFolds?.count == 2 && folded.keyFolds?[0].count == 32)
    // Keys of the louder channels are made smaller.
    #expect(folded.keyFolds![0][0] < 0.5 && folded.keyFolds![0][5] > 0.9)
    // With everything recent, 8 bits remain, and the fold must not show.
    folded.recent = 60
    folded.isRotated = false
    let said = Self.text(try Self.open(folded, in: directory))
    #expect(zip(exact, said).count { $0 == $1 } >= 135)
  }

  @Test("the forms have the names of the memory's own")
  func names() {
    #expect(CacheOptions.Format.allCases.map(\.rawValue) == AttentionMemory.Format.allCases.map(\.rawValue))
  }

  @Test("a layer may have another form than the rest")
  func layers() throws {
    let directory = try TemporaryDirectory()
    var mixed = CacheOptions(.q4)
    mixed.layers = [0: .f32]
    let (all, some) = (
      try Self.open(CacheOptions(.q4), in: directory), try Self.open(mixed, in: directory)
    )
    #expect(2 * all.cacheBytesPerFrame == 2 * 2 * 2 * 36)
    #expect(some.cacheBytesPerFrame == 2 * 36 + 2 * 2 * 128)
  }

  @Test("8 and 4 bits need heads of whole blocks, and say so", arguments: [CacheOptions.Format.q8, .q4])
  func narrow(format: CacheOptions.Format) throws {
    let path = Golden.path("tiny-dialogue/moshi")
    let error: CheckpointError? = caught { _ = try Dialogue.open(path, cache: CacheOptions(format)) }
    guard case .badField(_, let field, _, let found) = error else {
      Issue.record("no error")
      return
    }
    #expect(field == "num_heads" && found == "a width of 12")
  }

  @Test(
    "a step allocates nothing in any form", .enabled(if: WorkCounter.counts),
    arguments: CacheOptions.Format.allCases)
  func allocations(format: CacheOptions.Format) throws {
    let directory = try TemporaryDirectory()
    let dialogue = try Self.open(CacheOptions(format), in: directory)
    var stepper = DialogueStepper(dialogue)
    var state = dialogue.makeState(seed: 1)
    let user = dialogue.babble(52, 1)
    var own: [Int32] = []
    func step() {
      var span = own.mutableSpan
      _ = stepper.step(user.span, into: &span, &state)
    }
    for _ in 0..<6 { step() }
    #expect(countAllocations { for _ in 0..<10 { step() } } == 0)
  }

  @Test("a random shape has what a model of that shape has")
  func shapes() throws {
    let directory = try TemporaryDirectory()
    let dialogue = try ModelShape.hibiki1B.open(
      in: directory.path, threads: 1, bits: 4, cache: CacheOptions(.q8))
    #expect(dialogue.streams.own == 8 && dialogue.streams.user == 8)
    // 1.57 billion weights of 4.5 bits, and keys and values of 8.5.
    #expect(dialogue.bytesPerStep == 883_408_896)
    #expect(dialogue.cacheBytesPerFrame == 16 * 2 * 2048 * 17 / 16)
  }
}
