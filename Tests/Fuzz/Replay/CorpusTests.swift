import Checkpoint
import Foundation
import Runtime
import TestSupport
import Testing

@testable import Codec
@testable import Dialogue
@testable import Latency

/// What the fuzzer began with and what it found: every file goes through the same functions again.
struct CorpusTests {
  private static let corpus = Golden.root + "/Tests/Fuzz/corpus"

  @Test("every file of the corpus is read or refused, and none is a crash", arguments: FuzzTarget.allCases)
  func replay(target: FuzzTarget) throws {
    let directory = Self.corpus + "/" + target.rawValue
    let names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
    #expect(!names.isEmpty)
    for name in names {
      let bytes = try Data(contentsOf: URL(filePath: directory + "/" + name))
      // The name is seen where it crashes.
      if ProcessInfo.processInfo.environment["FUZZ_SHOW"] != nil { print(target.rawValue, name) }
      let start = Self.processorSeconds()
      bytes.withUnsafeBytes { target.run($0) }
      #expect(Self.processorSeconds() - start < 1, "\(target.rawValue) \(name)")
      // A prefix of anything is anything.
      bytes.withUnsafeBytes { target.run(UnsafeRawBufferPointer(rebasing: $0.prefix($0.count / 2))) }
    }
  }

  @Test("seeds are still read: from what is refused at once the fuzzer learns nothing")
  func seeds() throws {
    func text(_ name: String) throws -> String {
      try String(contentsOfFile: Self.corpus + "/" + name, encoding: .utf8)
    }
    #expect(try !FrameTable.table.parse(text("frames/respond.csv"), "frames.csv").rows.isEmpty)
    #expect(try !TurnTable.table.parse(text("turns/respond.csv"), "turns.csv").rows.isEmpty)
    #expect(try LatencySummary(json: text("summary/respond.json")) != nil)
    #expect(try TextTokenizer.open(Self.corpus + "/tokenizer/unigram").count > 0)
    #expect(try CodesFile(Safetensors(MappedFile(Self.corpus + "/codes/recorded"))).frames > 0)
    for name in ["hibiki", "moshi", "stt", "tiny-model"] {
      _ = try DialogueConfiguration(Fields(file: Self.corpus + "/config/\(name).json"))
    }
    for name in ["mimi", "spectral"] {
      let path = Self.corpus + "/config/codec-\(name).json"
      _ = try CodecConfiguration(Fields(file: path), path: path)
    }
  }

  /// Of this thread: a busy machine makes no difference to it.
  private static func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  @Test("the corpus belongs to known targets, and stays small")
  func size() throws {
    let targets = try FileManager.default.contentsOfDirectory(atPath: Self.corpus)
    #expect(Set(targets) == Set(FuzzTarget.allCases.map(\.rawValue)))
    var bytes = 0
    for path in try FileManager.default.subpathsOfDirectory(atPath: Self.corpus) {
      let attributes = try FileManager.default.attributesOfItem(atPath: Self.corpus + "/" + path)
      if attributes[.type] as? FileAttributeType == .typeRegular { bytes += attributes[.size] as? Int ?? 0 }
    }
    #expect(bytes < 500_000)
  }
}
