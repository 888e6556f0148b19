import ArgumentParser
import AudioIO
import Base

/// `antiphon latency`
struct LatencyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "latency",
    abstract: "Measure the round trip of a loudspeaker and a microphone, without any model.",
    discussion: """
      Plays chirps and looks for them in the microphone's sound: put the loudspeaker and the microphone together, or
      connect them with a cable. 'talk' adds 80 ms for a frame, the model's own time, and its buffer.

      With --speech a sound file is played instead, and the attenuation of its echo by the echo canceller is reported for \
      every second, in dB. Nobody should speak during the test.

      Example:
        antiphon latency
        antiphon latency --speech question.flac
        antiphon latency --input hw:CARD=Yeti,DEV=0 --output hw:CARD=PCH,DEV=0
      """)

  @OptionGroup var devices: DeviceOptions

  @Option(help: "Number of chirps.")
  var count = 20

  @Option(help: ArgumentHelp("Play this sound and measure the echo canceller.", valueName: "file"))
  var speech: String?

  @OptionGroup var sound: SoundOptions

  @Option(help: ArgumentHelp("With --speech: duration of the test.", valueName: "seconds"))
  var seconds = 20

  @Flag(help: "Print the result as JSON.")
  var json = false

  func validate() throws {
    guard (3...3600).contains(seconds) else {
      throw ValidationError("--seconds takes a number from 3 to 3600.")
    }
    guard (1...1000).contains(count) else { throw ValidationError("--count takes a number from 1 to 1000.") }
  }

  mutating func run() throws {
    let played = try speech.map { try read($0) }
    let (output, input) = try (
      ALSADevice.choose(devices.output, .playback), ALSADevice.choose(devices.input, .capture)
    )
    let playback = try ALSAPlayback(
      output.name, rate: devices.rate, periodMilliseconds: devices.period, queueSeconds: 0.02)
    let canceller = EchoCanceller(
      .builtin, played: playback.played, clock: playback.playedClock, rate: playback.settings.rate)
    let capture = try ALSACapture(
      input.name, rate: devices.rate, periodMilliseconds: devices.period, wake: Wake(),
      canceller: played == nil ? nil : canceller)
    if !json {
      Terminal.print("loudspeaker: \(output.name) (\(output.reason.words)), \(playback.settings.words)")
      Terminal.print("microphone:  \(input.name) (\(input.reason.words)), \(capture.settings.words)")
    }
    defer {
      for (isEnded, part) in [(capture.stop(), "microphone"), (playback.stop(), "loudspeaker")] where !isEnded
      {
        Terminal.remark("the \(part) did not answer when it was asked to end")
      }
    }
    try playback.start(priority: 31)
    try capture.start(priority: 30)
    if let played {
      let trial = try EchoTrial.run(playback, capture, canceller, sound: played, seconds: seconds)
      let view = EchoView(
        trial, xruns: playback.counts.xruns + capture.counts.xruns, realignments: canceller.realignments)
      return Terminal.print(json ? try JSON.text(view) : view.text)
    }
    let trips = try ChirpRoundTrip.measure(playback, capture, count: count)
    let view = LatencyView(trips, sent: count, playback.counts.xruns + capture.counts.xruns)
    Terminal.print(json ? try JSON.text(view) : view.text)
    if view.found == 0 { throw CommandError.noChirp(sent: count) }
  }

  private func read(_ path: String) throws -> [Float] {
    let source = try sound.open(path, sampleRate: AudioFrame.sampleRate)
    var samples: [Float] = []
    var block = [Float](repeating: 0, count: 4096)
    while true {
      var span = block.mutableSpan
      let count = source.read(into: &span)
      if count == 0 { break }
      samples += block[..<count]
    }
    try EarlyEnd.check(source, path: path, seconds: Double(samples.count) / Double(AudioFrame.sampleRate))
    return samples
  }
}
