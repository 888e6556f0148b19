/// Classifies who spoke when: stretches of speech on both sides become exchanges.
///
/// It works after the fact and on loudness alone, whatever the model intended. `docs/Latency.md` has the rules.
struct TurnTaking: Sendable {
  /// A kind of turn and the speech that makes it one.
  struct Exchange: Sendable, Equatable {
    var kind: Turn.Kind
    var user: Segment?
    var own: Segment?

    /// When the speech began, or when a reply should have come.
    var onset: Int64 {
      switch kind {
      case .bargeIn: user?.start ?? .max
      case .unanswered: user?.end ?? .max
      case .reply, .backchannel, .falseStart, .opening: own?.start ?? .max
      }
    }
  }

  /// A person who resumes within this time, without an answer in between, has only paused. Microseconds.
  var longestPause: Int64 = 2_000_000
  /// A person who starts within this time after the model cannot have reacted to it. Microseconds.
  var shortestReaction: Int64 = 250_000
  /// A sound of the model of at most this length does not take the floor. Microseconds.
  var longestBackchannel: Int64 = 1_000_000

  /// - Parameters:
  ///   - users: the person's stretches of speech, in order.
  ///   - owns: the model's stretches of speech, in order.
  /// - Returns: the exchanges, in chronological order.
  func exchanges(users: [Segment], owns: [Segment]) -> [Exchange] {
    let turns = joined(users, owns)
    var isAnswered = [Bool](repeating: false, count: turns.count)
    var exchanges: [Exchange] = []
    // The exchange in which the model is speaking; more of its speech extends it.
    var floor: Int?

    for own in owns {
      let inside = turns.lastIndex { $0.contains(own.start) }
      let before = turns.lastIndex { $0.end <= own.start }
      let kind: Turn.Kind
      if let turn = inside {
        kind = overlapping(own, turns[turn], users)
        if own.end >= turns[turn].end { isAnswered[turn] = true }
      } else if let turn = before {
        if isAnswered[turn], let floor {
          exchanges[floor].own?.extend(to: own)
          continue
        }
        kind = .reply
        isAnswered[turn] = true
      } else if let floor {
        exchanges[floor].own?.extend(to: own)
        continue
      } else {
        kind = .opening
      }
      exchanges.append(Exchange(kind: kind, user: (inside ?? before).map { turns[$0] }, own: own))
      floor = exchanges.count - 1
    }

    for (index, turn) in turns.enumerated() {
      if let own = owns.first(where: { $0.start < turn.start && $0.contains(turn.start) }) {
        exchanges.append(Exchange(kind: .bargeIn, user: turn, own: own))
      } else if !isAnswered[index] {
        exchanges.append(Exchange(kind: .unanswered, user: turn, own: nil))
      }
    }
    return exchanges.sorted { $0.onset < $1.onset }
  }

  /// The person's turns: stretches separated only by a pause are one turn.
  private func joined(_ users: [Segment], _ owns: [Segment]) -> [Segment] {
    var turns: [Segment] = []
    for user in users {
      if let last = turns.last, user.start - last.end < longestPause {
        let between = owns.filter { $0.start >= last.end && $0.start < user.start }
        if between.allSatisfy({ isNoAnswer($0, resumed: user.start) }) {
          turns[turns.count - 1].extend(to: user)
          continue
        }
      }
      turns.append(user)
    }
    return turns
  }

  /// Whether a sound of the model in the person's pause is not an answer, so that the person's turn continues.
  private func isNoAnswer(_ own: Segment, resumed: Int64) -> Bool {
    resumed - own.start < shortestReaction
      || own.end <= resumed && own.end - own.start <= longestBackchannel
  }

  /// The kind of speech that begins within a turn of the person, who is speaking or pausing.
  private func overlapping(_ own: Segment, _ turn: Segment, _ users: [Segment]) -> Turn.Kind {
    guard users.contains(where: { $0.contains(own.start) }) else {
      let resumed = users.first { $0.start > own.start }?.start ?? .max
      return own.end <= resumed ? .backchannel : .falseStart
    }
    guard own.end < turn.end else { return .reply }
    return own.end - own.start <= longestBackchannel ? .backchannel : .falseStart
  }
}

/// A stretch of speech on one side. Times are microseconds since the run's epoch.
struct Segment: Sendable, Equatable {
  /// Where the first loud window starts.
  var start: Int64
  /// Where the last loud window ends.
  var end: Int64
  /// Rows of the frame log that hold the first and the last loud window.
  var startRow: Int
  var endRow: Int
  /// Whether the log ended before the silence that would end the speech.
  var isOpen = false

  func contains(_ time: Int64) -> Bool { start <= time && time < end }

  /// Extends this stretch to the end of a later one.
  mutating func extend(to later: Segment) {
    end = later.end
    endRow = later.endRow
    isOpen = later.isOpen
  }

  /// Microseconds that both stretches share.
  func overlap(_ other: Segment) -> Int64 { max(min(end, other.end) - max(start, other.start), 0) }
}
