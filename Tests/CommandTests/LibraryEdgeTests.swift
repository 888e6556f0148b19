import AntiphonKit
import Checkpoint
import Foundation
import TestSupport
import Testing

/// What a program that embeds the library can get wrong.
@Suite("The library's edges")
struct LibraryEdgeTests {
  private let model = Golden.path("tiny-model")

  @Test("a number of threads that cannot be is an error, not a crash", arguments: [0, -1, 1025])
  func threads(_ count: Int) {
    #expect(throws: DialogueError.self) { try Model.open(model, threads: count) }
    #expect(throws: CheckpointError.self) { try Codec.open(model + "/codec.safetensors", threads: count) }
  }

  @Test("weights of other than 8 or 4 bits are refused", arguments: [0, 5, 16])
  func bits(_ bits: Int) {
    let wanted = DialogueError.badArgument(name: "bits", expected: "8 or 4", found: "\(bits)")
    #expect(throws: wanted) { try Model.open(model, bits: bits) }
  }

  @Test("a model opens with its codec's weights in either form")
  func forms() throws {
    #expect(try Model.open(model, codecWeights: .f16).codec.weights == .f16)
    #expect(try Model.open(model, codecWeights: .f32).codec.weights == .f32)
  }

  @Test("no codebooks at all are an error, not a crash", arguments: [0, -3])
  func codebooks(_ count: Int) {
    #expect(throws: CheckpointError.self) { try Codec.open(model + "/codec.safetensors", codebooks: count) }
  }

  @Test("a sound file of three channels, or of no rate, is refused before it is made")
  func sound() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/out.wav"
    #expect(throws: SoundFileError.unsupportedChannels(path: path, channels: 3, limit: 2)) {
      try SoundFileWriter.create(path, channels: 3)
    }
    #expect(throws: SoundFileError.unsupportedRate(path: path, rate: 0, lowest: 1_000, highest: 384_000)) {
      try SoundFileWriter.create(path, sampleRate: 0)
    }
    #expect(!FileManager.default.fileExists(atPath: path))
  }
}
