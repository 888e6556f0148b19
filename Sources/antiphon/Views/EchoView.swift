import AudioIO
import Base

/// The result of `latency --speech`. All values are in dB.
struct EchoView: Encodable {
  let loss: Double?
  let level: Double?
  let seconds: [Double?]
  let xruns: Int
  let realignments: Int

  init(_ trial: EchoTrial, xruns: Int, realignments: Int) {
    loss = trial.overall
    level = trial.level
    seconds = trial.decibels
    self.xruns = xruns
    self.realignments = realignments
  }

  var text: String {
    guard let loss, let level else {
      return "no echo was heard: the microphone does not hear the loudspeaker"
    }
    let parts = seconds.map { $0.map { NumberText.fixed($0, 0) } ?? "-" }.joined(separator: " ")
    return """
      echo         \(NumberText.fixed(level, 1)) dB of full scale in the microphone, \(xruns) xruns
      return loss  \(NumberText.fixed(loss, 1)) dB from the third second on; aligned \(realignments) times
      by second    \(parts)
      """
  }
}
