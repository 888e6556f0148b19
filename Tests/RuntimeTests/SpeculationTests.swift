import AudioIO
import Dialogue
import TestSupport
import Testing

@testable import Runtime

/// Recordings whose frames are known ahead, with the tiny model and a drafter of random weights.
@Suite("Recordings, several frames in one pass")
struct SpeculationTests {
  private let directory: TemporaryDirectory
  private let model: Model

  init() throws {
    directory = try TemporaryDirectory()
    try RandomDrafter.add(toCopyOf: Golden.path("tiny-model"), in: directory, modules: 2)
    model = try Model.open(directory.path, isDrafting: true)
  }

  private func reply(
    _ sound: [Float], seed: UInt64, isGreedy: Bool, isSpeculative: Bool, tail: Double
  ) throws -> (sound: [Float], outcome: FileSession.Outcome) {
    var options = FileSession.Options()
    (options.seed, options.isGreedy, options.isSpeculative, options.tail) = (
      seed, isGreedy, isSpeculative, tail
    )
    let sink = MemorySink()
    let outcome = try FileSession(model, options).run(from: SampleSource(sound), to: sink)
    return (sink.samples, outcome)
  }

  @Test("the reply is that of one frame after the other, to the last bit, for sixty recordings")
  func equal() throws {
    var noise = Noise(31)
    for number in 0..<60 {
      // Whole frames and parts of one, and tails that end within a pass.
      let sound = noise.floats(1000 + 700 * number).map { $0 * 0.1 }
      let (seed, isGreedy, tail) = (UInt64(number), number % 2 == 0, [0, 0.08, 0.24, 1.6][number % 4])
      let plain = try reply(sound, seed: seed, isGreedy: isGreedy, isSpeculative: false, tail: tail)
      let quick = try reply(sound, seed: seed, isGreedy: isGreedy, isSpeculative: true, tail: tail)
      #expect(quick.sound == plain.sound && quick.outcome.text == plain.outcome.text)
      #expect(quick.outcome.frames == plain.outcome.frames && quick.outcome.seconds == plain.outcome.seconds)
      #expect(quick.outcome.passes <= plain.outcome.passes + 1)
    }
  }

  @Test("an interruption ends it where it ends the other")
  func stopped() throws {
    var noise = Noise(32)
    let sound = noise.floats(40_000).map { $0 * 0.1 }
    var lengths: [Int] = []
    for isSpeculative in [false, true] {
      var options = FileSession.Options()
      options.isSpeculative = isSpeculative
      let sink = MemorySink()
      _ = try FileSession(model, options).run(from: SampleSource(sound), to: sink, recorder: nil) {
        $0.frames < 7
      }
      lengths.append(sink.samples.count)
    }
    #expect(lengths[0] == lengths[1] && lengths[0] > 0)
  }

  @Test("what would make it another reply is refused")
  func refused() throws {
    var options = FileSession.Options()
    (options.isSpeculative, options.prediction) = (true, Prediction(isEarly: true))
    #expect(throws: DialogueError.self) {
      _ = try FileSession(model, options).run(from: SampleSource([0]), to: MemorySink())
    }
  }
}
