import Testing

@testable import Latency

@Suite struct TurnTakingTests {
  private func kinds(_ user: String, _ own: String) -> [Turn.Kind] {
    let taking = TurnTaking()
    return taking.exchanges(users: Marble.segments(user), owns: Marble.segments(own)).map(\.kind)
  }

  @Test("nobody speaks, nothing is a turn")
  func silence() { #expect(kinds("--------", "--------") == []) }

  @Test("an answer after the person is a reply")
  func reply() {
    #expect(
      kinds(
        "uuuuuu----------------",
        "----------mmmmmmm-----") == [.reply])
  }

  @Test("more speech without a new question makes the same reply longer")
  func continuation() {
    let user = Marble.segments("uuuuuu-------------------------")
    let own = Marble.segments("----------mmmm-----mmmm--------")
    let exchanges = TurnTaking().exchanges(users: user, owns: own)
    #expect(exchanges.map(\.kind) == [.reply])
    #expect(exchanges.first?.own?.endRow == 22)
  }

  @Test("a pause of the person is not the end of the turn")
  func pause() {
    let exchanges = TurnTaking().exchanges(
      users: Marble.segments("uuuuuu--------uuuu------------"),
      owns: Marble.segments("----------------------mmmm----"))
    #expect(exchanges.map(\.kind) == [.reply])
    #expect(exchanges.first?.user?.endRow == 17)
  }

  @Test("two questions far apart with no answer are two unanswered turns")
  func unanswered() {
    let gap = String(repeating: "-", count: 30)
    #expect(kinds("uuuu" + gap + "uuuu", "----" + gap + "----") == [.unanswered, .unanswered])
  }

  @Test("sound before the person has spoken is an opening, and speaking over it a barge-in")
  func opening() {
    #expect(
      kinds(
        "----------uuuuuu----------",
        "mmmmmmmmmmmm--------------") == [.opening, .bargeIn])
  }

  @Test("the person stops the reply and is answered again")
  func bargeIn() {
    let exchanges = TurnTaking().exchanges(
      users: Marble.segments("uuuu--------uuuuuu------------"),
      owns: Marble.segments("------mmmmmmmm---------mmmm---"))
    #expect(exchanges.map(\.kind) == [.reply, .bargeIn, .reply])
  }

  @Test("a short sound while the person goes on is a backchannel")
  func backchannel() {
    #expect(
      kinds(
        "uuuuuuuuuuuuuuuuuuuuu-------",
        "-----mmm--------------------") == [.backchannel, .unanswered])
  }

  @Test("a short sound in a pause of the person is a backchannel")
  func backchannelInPause() {
    #expect(
      kinds(
        "uuuuuuu----------uuuuuuu---------",
        "--------mmm----------------mmm---") == [.backchannel, .reply])
  }

  @Test("a long sound while the person goes on is a false start")
  func falseStart() {
    #expect(
      kinds(
        "uuuuuuuuuuuuuuuuuuuuuuuuuuuuuu-------",
        "-----mmmmmmmmmmmmmmmmm---------------") == [.falseStart, .unanswered])
  }

  @Test("speech that the person resumes within a reaction time is a false start")
  func resumed() {
    #expect(
      kinds(
        "uuuuuuu-----uuuuuuuuuuuuuuu----------",
        "----------mmmmm------------------mmm-") == [.falseStart, .reply])
  }

  @Test("speech that begins at the tail of the person's and goes on is a reply")
  func early() {
    #expect(
      kinds(
        "uuuuuuuuuu----------------",
        "---------mmmmmmmm---------") == [.reply])
  }

  @Test("a model that never stops is interrupted, not answering")
  func noise() {
    #expect(
      kinds(
        "----uuuuuu-----",
        "mmmmmmmmmmmmmmm") == [.opening, .bargeIn])
  }
}

@Suite struct SpeechSegmentsTests {
  private func speech(_ drawing: String) -> [Segment] {
    var speech = SpeechSegments(threshold: -45, windowsToStart: 2, windowsToEnd: 20)
    for (index, character) in drawing.enumerated() {
      let from = Int64(index) * 10_000
      speech.append(character == "-" ? -46 : -45, from: from, to: from + 10_000, row: index / 8)
    }
    return speech.segments
  }

  @Test("one loud window alone is not speech")
  func click() { #expect(speech("---x----x-x-----" + String(repeating: "-", count: 30)).isEmpty) }

  @Test("two loud windows are, and 200 ms of quiet end them")
  func run() {
    let quiet = String(repeating: "-", count: 20)
    #expect(
      speech("---xx" + quiet) == [Segment(start: 30_000, end: 50_000, startRow: 0, endRow: 0)])
  }

  @Test("190 ms of quiet do not end speech, and the end is the last loud window")
  func pause() {
    let quiet = String(repeating: "-", count: 19)
    #expect(
      speech("xx" + quiet + "x" + quiet) == [
        Segment(start: 0, end: 220_000, startRow: 0, endRow: 2, isOpen: true)
      ])
  }
}
