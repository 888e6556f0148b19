import AudioIO
import Base
import Codec
import Dialogue
import Foundation
import Latency
import TestSupport
import Testing

@testable import Runtime

/// The model's thread of a live session, with the tiny model and devices that do what the test says.
@Suite("The live loop")
struct LiveLoopTests {
  private typealias Loop = LiveLoop<ScriptedMicrophone, ScriptedLoudspeaker>

  private struct Session {
    let model: Model
    let microphone: ScriptedMicrophone
    let loudspeaker: ScriptedLoudspeaker
    let loop: Loop
    let size: Int
    let prediction: Prediction
    // Keeps the files of the model, which are mapped.
    private let directory: TemporaryDirectory?

    /// `arrivals` are the frames that come before each turn; nothing comes for a 0. Ends after the last.
    init(
      frames: Int, arrivals: [Int], isMuted: Bool = false, tape: LiveTape? = nil,
      prediction: Prediction = .none
    ) throws {
      directory = prediction == .none ? nil : try TemporaryDirectory()
      if let directory {
        try RandomDrafter.add(
          toCopyOf: Golden.path("tiny-model"), in: directory, modules: prediction.modules)
      }
      model = try Model.open(directory?.path ?? Golden.path("tiny-model"), isDrafting: directory != nil)
      self.prediction = prediction
      size = model.codec.configuration.samplesPerFrame
      var noise = Noise(5)
      microphone = ScriptedMicrophone(noise.floats(frames * size).map { $0 * 0.1 })
      loudspeaker = ScriptedLoudspeaker(capacity: (arrivals.count + 1) * size)
      loop = Loop(microphone, loudspeaker, wake: Wake(), samplesPerFrame: size, isMuted: isMuted)
      loop.tape = tape
      microphone.arrive(arrivals[0] * size)
      let (microphone, loop, size) = (microphone, loop, size)
      loudspeaker.afterBlock = { count in
        if count < arrivals.count { microphone.arrive(arrivals[count] * size) } else { loop.stop() }
      }
    }

    func run() throws {
      var conversation = try Conversation(model, seed: 9, prediction: prediction)
      loop.run(&conversation, .monotonic)
    }

    func records() -> [FrameRecord] {
      var records: [FrameRecord] = []
      loop.log.drain { records.append($0) }
      return records
    }

    /// What the model says to these frames of the microphone when nobody hurries it; nil is silence.
    func offline(_ frames: [Int?]) -> [Float] {
      var noise = Noise(5)
      let sound = noise.floats(((frames.compactMap { $0 }.max() ?? 0) + 1) * size).map { $0 * 0.1 }
      var conversation = Conversation(model, seed: 9)
      return frames.flatMap { number -> [Float] in
        let frame =
          number.map { Array(sound[$0 * size..<($0 + 1) * size]) } ?? [Float](repeating: 0, count: size)
        var reply = [Float](repeating: 0, count: size)
        var span = reply.mutableSpan
        _ = conversation.step(frame.span, into: &span)
        return reply
      }
    }
  }

  @Test("live and offline say the same, bit for bit, and every frame is logged")
  func same() throws {
    let session = try Session(frames: 12, arrivals: Array(repeating: 1, count: 12))
    try session.run()
    #expect(session.loudspeaker.heard == session.offline((0..<12).map { $0 }))
    #expect(session.loudspeaker.heard.contains { $0 != 0 })
    #expect(session.loop.counts == LiveCounts(frames: 12))
    let records = session.records()
    #expect(records.map(\.frame) == (0..<12).map(Int64.init))
    #expect(records.map(\.userSampleEnd) == (1...12).map { Int64($0 * session.size - 1) })
    #expect(records.allSatisfy { $0.slack == 20_000 && $0.isMiss == false })
    // The device's own time of the last sample.
    #expect(records.last?.capturedHardware == Int64(1_960_000))
  }

  @Test("a live record has the sizes that a record of a file has, and how likely silence was")
  func sizes() throws {
    let session = try Session(frames: 6, arrivals: Array(repeating: 1, count: 6))
    try session.run()
    let records = session.records()
    #expect(records.count == 6)
    #expect(records.allSatisfy { $0.cacheFrames ?? 0 > 0 && $0.cacheBytes ?? 0 > 0 })
    #expect(records.allSatisfy { $0.weightBytes == Int64(session.model.dialogue.bytesPerStep) })
    #expect(records.allSatisfy { record in record.paddingProbability.map { 0...1 ~= $0 } ?? false })
  }

  @Test("a codec of the loop's rate is taken, whether it answers or mirrors")
  func rate() throws {
    let model = try Model.open(Golden.path("tiny-model"), codecWeights: .f32)
    #expect(model.codec.weights == .f32)
    try LivePartner.model(model).check()
    try LivePartner.mirror(model.codec).check()
  }

  @Test("a tail that is no time is refused", arguments: [-1, -Double.infinity, .infinity, .nan])
  func tail(seconds: Double) throws {
    let model = try Model.open(Golden.path("tiny-model"))
    var options = FileSession.Options()
    options.tail = seconds
    let session = FileSession(model, options)
    #expect(
      throws: DialogueError.badArgument(
        name: "tail", expected: "a number of seconds from 0", found: "\(seconds)")
    ) { try session.run(from: SampleSource([0]), to: MemorySink()) }
  }

  @Test("of more than two frames that wait only the newest is heard, and the others are counted")
  func backlog() throws {
    let session = try Session(frames: 9, arrivals: [1, 1, 4, 1, 2, 0])
    try session.run()
    // Four wait: three are skipped. Two are no backlog: both are heard.
    #expect(session.loudspeaker.heard == session.offline([0, 1, 5, 6, 7, 8]))
    #expect(session.loop.counts == LiveCounts(frames: 6, skipped: 3))
  }

  @Test("a microphone that gives nothing is silence to the model, whose clock goes on")
  func stall() throws {
    let session = try Session(frames: 6, arrivals: [1, 1, 0, 0, 1, 1])
    try session.run()
    #expect(session.loudspeaker.heard == session.offline([0, 1, nil, nil, 2, 3]))
    #expect(session.loop.counts == LiveCounts(frames: 6, unheard: 2))
  }

  @Test("muted, the model hears silence")
  func muted() throws {
    let session = try Session(frames: 5, arrivals: Array(repeating: 1, count: 5), isMuted: true)
    try session.run()
    #expect(session.loudspeaker.heard == session.offline([nil, nil, nil, nil, nil]))
  }

  @Test("a frame that comes after the device needed it is late, and that is counted")
  func late() throws {
    let session = try Session(frames: 6, arrivals: Array(repeating: 1, count: 6))
    session.loudspeaker.slack = { $0 == 3 ? -1_000_000 : 1_000_000 }
    try session.run()
    #expect(session.loop.counts == LiveCounts(frames: 6, late: 1))
    #expect(session.records().map(\.isMiss) == [false, false, false, true, false, false])
  }

  @Test("spare frames that nobody begins change nothing")
  func spareUnused() throws {
    for prediction in [Prediction(spare: 1), Prediction(spare: 2)] {
      let session = try Session(
        frames: 12, arrivals: Array(repeating: 1, count: 12), prediction: prediction)
      try session.run()
      #expect(session.loudspeaker.heard == session.offline((0..<12).map { $0 }))
      #expect(session.loop.counts == LiveCounts(frames: 12))
      #expect(session.loudspeaker.offered.count == prediction.spare * session.size)
    }
  }

  @Test(
    "the frame of a late step is the spare that was begun, it is counted, and what follows goes on from it")
  func concealed() throws {
    for prediction in [Prediction(spare: 1), Prediction(isEarly: true, spare: 1)] {
      let session = try Session(
        frames: 12, arrivals: Array(repeating: 1, count: 12), prediction: prediction)
      var offered: [[Float]] = []
      let script = session.loudspeaker.afterBlock
      session.loudspeaker.begun = { $0 == 6 ? 1 : 0 }
      session.loudspeaker.afterBlock = { count in
        offered.append(session.loudspeaker.offered)
        script(count)
      }
      try session.run()
      let heard = (0..<12).map {
        Array(session.loudspeaker.heard[$0 * session.size..<($0 + 1) * session.size])
      }
      #expect(heard[6] == offered[6] && session.loop.counts == LiveCounts(frames: 12, concealed: 1))
      #expect(session.records().map { $0.source == .conceal } == (0..<12).map { $0 == 6 })
      if !prediction.isEarly {
        let plain = session.offline((0..<12).map { $0 })
        #expect(Array(plain[..<(6 * session.size)]) == heard[..<6].flatMap { $0 })
        #expect(Array(plain[(6 * session.size)...]) != heard[6...].flatMap { $0 })
      }
    }
  }

  @Test(
    "of two frames that are late in a row both are spares, whether they were begun at once or one after the other",
    arguments: [[6: 2], [6: 1, 7: 1]])
  func concealedTwice(begun: [Int: Int]) throws {
    let session = try Session(
      frames: 12, arrivals: Array(repeating: 1, count: 12), prediction: Prediction(spare: 2))
    session.loudspeaker.begun = { begun[$0] ?? 0 }
    var offered: [Float] = []
    let script = session.loudspeaker.afterBlock
    session.loudspeaker.afterBlock = { count in
      // What was on offer before the first of the two.
      if count == 6 { session.loudspeaker.afterOffer = { if offered.isEmpty { offered = $0 } } }
      script(count)
    }
    try session.run()
    let size = session.size
    #expect(offered.count == 2 * size)
    #expect(Array(session.loudspeaker.heard[(6 * size)..<(8 * size)]) == offered)
    #expect(session.loop.counts == LiveCounts(frames: 12, concealed: 2))
  }

  @Test(
    "after warm-up the model's thread allocates nothing and takes no lock",
    .enabled(if: WorkCounter.counts), arguments: [Prediction.none, Prediction(isEarly: true, spare: 2)])
  func work(prediction: Prediction) throws {
    let model = try Model.open(Golden.path("tiny-model"))
    let tape = LiveTape(
      samplesPerFrame: model.codec.configuration.samplesPerFrame,
      heard: model.codec.configuration.codebooks, said: model.dialogue.streams.own)
    let session = try Session(
      frames: 60, arrivals: Array(repeating: 1, count: 60), tape: tape, prediction: prediction)
    session.loudspeaker.begun = { $0 % 7 == 3 ? 1 : 0 }
    session.loop.latencyLog = FrameLog()
    let script = session.loudspeaker.afterBlock
    let counter = WorkCounter()
    session.loudspeaker.afterBlock = { count in
      if count == 10 { counter.begin() }
      if count == 50 { counter.end() }
      script(count)
    }
    try session.run()
    #expect(counter.allocations == 0 && counter.locks == 0)
    #expect(session.loop.counts.frames == 60)
  }

  @Test("the recording has both voices, both streams of codes, and can be read at any moment")
  func recording() throws {
    let model = try Model.open(Golden.path("tiny-model"))
    let said = model.dialogue.streams.own
    let tape = LiveTape(
      samplesPerFrame: model.codec.configuration.samplesPerFrame,
      heard: model.codec.configuration.codebooks, said: said)
    let session = try Session(frames: 12, arrivals: Array(repeating: 1, count: 12), tape: tape)
    let directory = try TemporaryDirectory()
    let recording = try LiveRecording(
      directory: directory.path, tape: tape, codec: session.model.codec, words: nil, overwrite: false)
    let script = session.loudspeaker.afterBlock
    var part: CodesFile?
    session.loudspeaker.afterBlock = { count in
      if count == 9 {
        try? recording.drain()
        // As a killed process leaves it.
        part = try? CodesFile(directory.path + "/" + LiveRecording.heardName)
      }
      script(count)
    }
    try session.run()
    try recording.finish()
    let heard = try CodesFile(directory.path + "/" + LiveRecording.heardName)
    let reply = try CodesFile(directory.path + "/" + LiveRecording.saidName)
    #expect(heard.frames == 12 && reply.frames == 12 && reply.codebooks == said)
    #expect(heard.codec == session.model.codec.digest && tape.dropped == 0)
    let whole = try #require(part)
    #expect(whole.frames == 8 && (0..<8).allSatisfy { whole.frame($0) == heard.frame($0) })
    let records = session.records()
    #expect((0..<12).map { Int64(heard.frame($0)[0]) } == records.map(\.userSemantic))
    let sound = try SoundFileReader.open(
      directory.path + "/" + LiveRecording.soundName, sampleRate: AudioFrame.sampleRate)
    #expect(abs((sound.duration ?? 0) - 12 * 0.08) < 1e-6)
  }
}
