import Testing

@testable import Latency

@Suite struct TurnFinderTests {
  @Test("a reply is timed from the end of the person's speech")
  func reply() throws {
    let turns = Marble.turns(
      user: "uuuuu---------------------------------------",
      own: "----------mmmmmmm---------------------------",
      text: "-------hi-----------------------------------")
    try #require(turns.count == 1)
    let turn = turns[0]
    #expect(turn.kind == .reply && turn.reference == .vad)
    #expect(turn.userStart == 0 && turn.userEnd == 400_000)
    // Row 10 arrives at 880 ms and is written 28.1 ms later.
    #expect(turn.audible == 908_100)
    #expect(turn.untilAudible == 508_100)
    #expect(turn.firstSemantic == 905_000)
    #expect(turn.firstReady == 908_000)
    #expect(turn.firstText == 665_000)
    // The last loud frame is row 4, heard at once when it arrived; row 10 was the sixth after it.
    #expect(turn.boundaryWait == 0)
    #expect(turn.decisionFrames == 6)
    #expect(turn.system == 28_100)
    #expect(turn.algorithmic == 80_000)
    #expect(turn.reply == 560_000)
    #expect(turn.ownText == "hi")
    #expect(turn.overlap == 0 && turn.misses == 0 && turn.worstSlack == 51_900)
    #expect(turn.backbonePasses == 13 && turn.meanBlock == 1)
  }

  @Test("the acoustic delay is the machine's time and not the model's decision")
  func delay() throws {
    let user = "uuuuu-----------------------------", own = "----------mmmmmmm-----------------"
    let turn = try #require(Marble.turns(user: user, own: own, delay: 2).first)
    #expect(turn.decisionFrames == 4)
    #expect(turn.system == 188_100)
    #expect(turn.firstSemantic == 745_000)
    #expect(turn.algorithmic == 240_000)
  }

  @Test("an interruption is timed to the last loud sample")
  func bargeIn() throws {
    let turns = Marble.turns(
      user: "uuuu--------uuuuuu----------------",
      own: "------mmmmmmmm--------------------")
    let turn = try #require(turns.first { $0.kind == .bargeIn })
    #expect(turn.userStart == 960_000)
    // The model's last loud frame, row 13, starts to sound at 1148.1 ms and lasts 80.
    #expect(turn.bargeInStop == 268_100)
    #expect(turn.audible == nil && turn.untilAudible == nil)
  }

  @Test("a reply that never ends was never stopped")
  func unstopped() throws {
    let turns = Marble.turns(user: "----uuuuuu--", own: "mmmmmmmmmmmm")
    let turn = try #require(turns.first { $0.kind == .bargeIn })
    #expect(turn.bargeInStop == nil)
  }

  @Test("labels are believed before loudness")
  func labels() throws {
    let silence = String(repeating: "-", count: 40)
    let own = "----------mmmmmmm-----------------------"
    let turn = try #require(
      Marble.turns(user: silence, own: own, labels: [1_000..<9_000]).first)
    #expect(turn.reference == .label && turn.kind == .reply)
    #expect(turn.userStart == 41_667)
    #expect(turn.userEnd == 375_000)
    #expect(turn.boundaryWait == 25_000)
  }

  @Test("every word belongs to one turn")
  func words() {
    let turns = Marble.turns(
      user: "uuuu-----------------uuuu-------------------",
      own: "-------mmm----------------------mmm---------",
      text: "-----ab-c--------------------d-e-----f------")
    #expect(turns.map(\.ownText) == ["abc", "def"])
  }

  @Test("a tone is as loud as it is, and what is not a number is silence")
  func loudness() {
    let samples = (0..<1920).map { $0 < 960 ? Float(0.5) : .nan }
    let loudness = Loudness(samples.span)
    #expect(abs(loudness.windowDecibels[0] + 6.0206) < 1e-3)
    #expect(loudness.windowDecibels[7] == Loudness.floor)
    #expect(abs(loudness.decibels + 9.0309) < 1e-3)
  }
}
