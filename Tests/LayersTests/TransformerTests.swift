import Checkpoint
import Foundation
import Kernels
import Layers
import TestSupport
import Testing

/// A stack of layers with the memory of any number of states.
private final class Stack {
  let transformer: Transformer
  private let plan: MemoryPlan
  private let regions: TransformerLayer.Scratch
  private let scratch: MemoryBlock
  private let lanes: Lanes
  private let workers: Workers
  private var width: Int { transformer.configuration.width }

  /// - Parameter lanes: most lanes of one pass.
  init(
    _ scope: Scope, _ configuration: TransformerConfiguration, lanes: Int, threads: Int = 1
  ) throws {
    var (state, scratch) = (MemoryPlan(), MemoryPlan())
    transformer = try Transformer(scope, configuration, state: &state)
    plan = state
    regions = transformer.reserveScratch(lanes: lanes, in: &scratch)
    self.scratch = MemoryBlock(scratch)
    self.lanes = Lanes(capacity: lanes)
    workers = Workers(threads: threads)
  }

  func makeMemory() -> MemoryBlock { MemoryBlock(plan) }

  /// One pass of the lanes `runs`: each is so many tokens of one memory from a position on. `x` is [lanes][width].
  func step(_ x: [Float], _ runs: [(memory: MemoryView, first: Int64, length: Int)]) -> [Float] {
    lanes.removeAll()
    for run in runs { lanes.append(run.memory, first: run.first, length: run.length) }
    var y = x
    transformer.step(&y, regions, Pass(lanes, scratch: scratch.view, workers))
    return y
  }

  /// All of `x` through one memory, `block` lanes at a time.
  func run(_ x: [Float], _ memory: borrowing MemoryBlock, from first: Int64 = 0, block: Int = 1) -> [Float] {
    var result: [Float] = []
    for start in stride(from: 0, to: x.count / width, by: block) {
      let count = min(block, x.count / width - start)
      result += step(
        Array(x[start * width..<(start + count) * width]), [(memory.view, first + Int64(start), count)])
    }
    return result
  }
}

struct TransformerTests {
  private static let codec = TransformerConfiguration(
    width: 16, heads: 2, layers: 2, context: 4, capacity: 4, maxPeriod: 10000, norm: .layerNorm, gated: false,
    position: .rotary)

  /// - Parameter capacity: of the ring: context, and one less than the lanes of a block.
  private static func dialogue(
    capacity: Int, position: TransformerConfiguration.Position = .rotary
  ) -> TransformerConfiguration {
    TransformerConfiguration(
      width: 24, heads: 2, layers: 2, context: 4, capacity: capacity, maxPeriod: 100_000, norm: .rmsNormFloat,
      gated: true, position: position)
  }

  private static func stack(
    capacity: Int = 19, lanes: Int = 1, threads: Int = 1,
    position: TransformerConfiguration.Position = .rotary
  ) throws -> Stack {
    try Stack(
      GoldenLayers.open().scope["dialogue_transformer"], dialogue(capacity: capacity, position: position),
      lanes: lanes, threads: threads)
  }

  private static func input(_ seed: UInt64, _ positions: Int) -> [Float] {
    var noise = Noise(seed)
    return noise.floats(positions * 24)
  }

  @Test("the codec's transformer is the reference's, two positions a call, while the ring wraps")
  func codecGolden() throws {
    let (scope, file) = try GoldenLayers.open()
    let stack = try Stack(scope["codec_transformer"], Self.codec, lanes: 2)
    let x = try file.floats("codec_transformer.input", rank: 2).values
    let expected = try file.floats("codec_transformer.output", rank: 2).values
    #expect(largestDifference(stack.run(x, stack.makeMemory(), block: 2), expected) <= 1e-5)
  }

  @Test("the dialogue model's transformer is the reference's, one position a call, while the ring wraps")
  func dialogueGolden() throws {
    let file = try GoldenLayers.open().file
    let stack = try Self.stack()
    let x = try file.floats("dialogue_transformer.input", rank: 2).values
    let expected = try file.floats("dialogue_transformer.output", rank: 2).values
    #expect(largestDifference(stack.run(x, stack.makeMemory()), expected) <= 1e-5)
  }

  @Test(
    "a block of lanes is as many single steps, to the last bit, long after the ring has wrapped",
    arguments: [2, 3, 7, 16])
  func blocks(size: Int) throws {
    // Sixty positions: three times round a ring of 19.
    let (single, block) = (try Self.stack(), try Self.stack(lanes: size))
    let x = Self.input(20, 60)
    #expect(block.run(x, block.makeMemory(), block: size) == single.run(x, single.makeMemory()))
  }

  @Test("a ring no longer than the window does as well as a longer one, step by step")
  func tightRing() throws {
    let (tight, wide) = (try Self.stack(capacity: 4), try Self.stack(capacity: 64))
    let x = Self.input(21, 30)
    #expect(tight.run(x, tight.makeMemory()) == wide.run(x, wide.makeMemory()))
  }

  @Test("what lies before the window is forgotten")
  func window() throws {
    let stack = try Self.stack()
    // Two layers of four positions see at most seven back.
    let (a, b) = (Self.input(22, 20), Self.input(23, 20))
    let mixed = Array(b[..<(10 * 24)] + a[(10 * 24)...])
    let (first, second) = (stack.run(a, stack.makeMemory()), stack.run(mixed, stack.makeMemory()))
    #expect(first[(16 * 24)...] == second[(16 * 24)...])
    #expect(first[(10 * 24)..<(11 * 24)] != second[(10 * 24)..<(11 * 24)])
  }

  @Test("states in one pass are as many passes of one state each, and never touch each other")
  func states() throws {
    let stack = try Self.stack(lanes: 6)
    let inputs = (0..<3).map { Self.input(24 + $0, 25) }
    let alone = inputs.map { stack.run($0, stack.makeMemory()) }
    // Three states at three positions: the second begins 5 steps late, the third takes two lanes a step.
    let a = stack.makeMemory()
    let b = stack.makeMemory()
    let c = stack.makeMemory()
    var results: [[Float]] = [[], [], []]
    func tokens(_ state: Int, _ first: Int, _ count: Int) -> [Float] {
      Array(inputs[state][first * 24..<(first + count) * 24])
    }
    for step in 0..<25 {
      var x = tokens(0, step, 1)
      var runs = [(memory: a.view, first: Int64(step), length: 1)]
      if step >= 5 {
        x += tokens(1, step - 5, 1)
        runs.append((b.view, Int64(step - 5), 1))
      }
      if step < 12 {
        x += tokens(2, 2 * step, 2)
        runs.append((c.view, Int64(2 * step), 2))
      }
      var y = stack.step(x, runs)[...]
      results[0] += y.prefix(24)
      y = y.dropFirst(24)
      if step >= 5 {
        results[1] += y.prefix(24)
        y = y.dropFirst(24)
      }
      results[2] += y
    }
    #expect(results[0] == alone[0])
    #expect(results[1] == Array(alone[1].prefix(20 * 24)))
    #expect(results[2] == Array(alone[2].prefix(24 * 24)))
  }

  @Test("a fork is a copy that goes its own way")
  func fork() throws {
    let stack = try Self.stack()
    let (x, other) = (Self.input(27, 20), Self.input(28, 20))
    let straight = stack.run(x, stack.makeMemory())
    let memory = stack.makeMemory()
    let begin = stack.run(Array(x[..<(9 * 24)]), memory)
    let copy = memory.fork()
    _ = stack.run(other, memory, from: 9)
    #expect(begin + stack.run(Array(x[(9 * 24)...]), copy, from: 9) == straight)
  }

  @Test("threads do not change a bit", arguments: 2...4)
  func threads(count: Int) throws {
    let (one, many) = (try Self.stack(lanes: 3), try Self.stack(lanes: 3, threads: count))
    let x = Self.input(29, 12)
    #expect(many.run(x, many.makeMemory(), block: 3) == one.run(x, one.makeMemory(), block: 3))
  }

  @Test(
    "only distances between positions matter, also after days",
    arguments: [1000, 10_000_000, 100_000_000] as [Int64])
  func shift(first: Int64) throws {
    let stack = try Self.stack()
    let x = Self.input(30, 20)
    // The window is full, so that nothing before the first position is seen.
    let warm = stack.makeMemory()
    let past = Self.input(31, 8)
    _ = stack.run(past, warm, from: first)
    let early = stack.makeMemory()
    _ = stack.run(past, early)
    #expect(
      largestDifference(stack.run(x, warm, from: first + 8), stack.run(x, early, from: 8)) <= 1e-3)
  }

  @Test("sinusoidal positions are added once per step, cosines first")
  func sinusoids() throws {
    // With layers that add nothing, what is left is the positions.
    var writer = SafetensorsWriter()
    func zeros(_ name: String, _ shape: [Int]) {
      writer.add(name, [Float](repeating: 0, count: shape.reduce(1, *)), shape: shape)
    }
    zeros("layers.0.norm1.alpha", [8])
    zeros("layers.0.norm2.alpha", [8])
    zeros("layers.0.self_attn.in_proj_weight", [24, 8])
    zeros("layers.0.self_attn.out_proj.weight", [8, 8])
    zeros("layers.0.gating.linear_in.weight", [8, 8])
    zeros("layers.0.gating.linear_out.weight", [8, 4])
    let directory = try TemporaryDirectory()
    try writer.write(to: directory.file("w.safetensors"))
    let configuration = TransformerConfiguration(
      width: 8, heads: 2, layers: 1, context: 4, capacity: 4, maxPeriod: 100, norm: .rmsNormFloat,
      gated: true,
      position: .sinusoidal)
    let stack = try Stack(
      Checkpoint(try Safetensors(directory.file("w.safetensors"))).scope(""), configuration, lanes: 1)
    let memory = stack.makeMemory()
    for position in [0, 1, 50] {
      let y = stack.step([Float](repeating: 2, count: 8), [(memory.view, Int64(position), 1)])
      let phases = (0..<4).map { Double(position) / pow(100, Double($0) / 3) }
      #expect(
        largestDifference(y, phases.map { 2 + Float(cos($0)) } + phases.map { 2 + Float(sin($0)) }) <= 1e-6)
    }
  }
}
