internal import Base
internal import Glibc
internal import Kernels
internal import Layers

/// How unlikely the backbone finds what was said as drafted, when its pass comes to it: -log p, in nats, before
/// temperature. Small where the drafter guesses well; it is a measure of quality, not of agreement.
public struct Regret: Sendable, BitwiseCopyable, Equatable {
  /// Of text tokens: the mean of those that the pass took in; nil without any.
  public var text: Float? { texts.mean }
  /// Of first codes.
  public var semantic: Float? { semantics.mean }
  /// Of the other codes.
  public var acoustic: Float? { acoustics.mean }

  private var texts = Sum()
  private var semantics = Sum()
  private var acoustics = Sum()

  private struct Sum: Sendable, BitwiseCopyable, Equatable {
    var nats: Float = 0
    var count: Int32 = 0

    var mean: Float? { count == 0 ? nil : nats / Float(count) }

    mutating func add(_ probability: Float) {
      nats -= log(max(probability, 1e-12))
      count += 1
    }
  }

  /// - Parameters:
  ///   - row: of the token in its column.
  ///   - probability: the backbone's.
  mutating func add(row: Int, _ probability: Float) {
    switch row {
    case Streams.text: texts.add(probability)
    case Streams.text + 1: semantics.add(probability)
    default: acoustics.add(probability)
    }
  }
}

extension FrameDrafter {
  /// Measures the regret of the columns that were said without the backbone and that its pass has taken in.
  ///
  /// - Parameter hidden: of all lanes of the pass, a state's lanes one after the other, the newest last.
  func review(
    _ hidden: Hidden, _ request: StepRequest, _ speaker: Speaker, _ regions: Scratch, _ pass: Pass,
    _ depthPass: Pass
  ) {
    let (rows, places) = (pass.scratch[regions.hidden], pass.scratch[regions.reviewed])
    var (lane, count) = (0, 0)
    for index in 0..<request.activeCount {
      let state = request.state(index)
      let pending = state.pointee.pending
      if state.pointee.prediction.isMeasured {
        for position in 0..<pending {
          (rows + count * width).update(from: hidden.normed + (lane + position) * width, count: width)
          places[count] = (index, state.pointee.steps - Int64(pending - position))
          count += 1
        }
      }
      lane += 1 + pending
    }
    guard count > 0 else { return }
    speaker.review(UnsafePointer(rows), places, count: count, request, regions.review, pass, depthPass)
  }
}

extension Speaker {
  /// Compares columns that were said with what the backbone would have said.
  ///
  /// - Parameters:
  ///   - hidden: [count][width], the backbone's.
  ///   - places: [count], the active conversation and the step of each column.
  func review(
    _ hidden: UnsafePointer<Float>, _ places: UnsafePointer<(index: Int, step: Int64)>, count: Int,
    _ request: StepRequest, _ regions: Scratch, _ pass: Pass, _ depthPass: Pass
  ) {
    func said(_ place: Int, _ row: Int) -> Int32 {
      let (index, step) = places[place]
      return ring.tokens(at: step, request.state(index).pointee.memory.view)[row]
    }
    func add(_ place: Int, _ row: Int, _ logits: UnsafePointer<Float>, _ outputs: Int) {
      let probability = regions.sampler.probability(
        of: Int(said(place, row)), logits, outputs, pass.scratch)
      request.results[request.active[places[place].index]].regret.add(row: row, probability)
    }
    let (logits, tokens) = (pass.scratch[regions.textLogits], pass.scratch[regions.tokens])
    textHead(hidden, into: logits, count: count, pass.workers)
    for place in 0..<count {
      add(place, Streams.text, logits + place * textHead.outputs, textHead.outputs)
      tokens[place] = said(place, Streams.text)
    }
    guard let depth, let scratch = regions.depth else { return }
    depth.step(hidden, tokens, count: count, steps: streams.own, scratch, depthPass) { step, place, logits in
      add(place, 1 + step, logits, streams.cardinality)
      return said(place, 1 + step)
    }
  }
}
