import ArgumentParser
import AudioIO
import Base

/// Which microphone and which loudspeaker.
struct DeviceOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The microphone: a name from 'antiphon devices', or a part of one.", valueName: "device"))
  var input: String?

  @Option(
    help: ArgumentHelp(
      "The loudspeaker: a name from 'antiphon devices', or a part of one.", valueName: "device"))
  var output: String?

  @Option(help: "Samples per second of both devices; by default their own rate.")
  var rate: Int?

  @Option(help: "Period of the devices in milliseconds: the sound that they move at once.")
  var period = 10.0

  func validate() throws {
    guard (2...80).contains(period) else { throw ValidationError("--period takes 2 to 80 milliseconds.") }
    if let rate, !(8_000...192_000).contains(rate) {
      throw ValidationError("--rate takes 8000 to 192000 samples per second.")
    }
  }
}

extension DeviceChoice.Reason {
  /// Why this device was chosen, for display in parentheses.
  var words: String {
    switch self {
    case .named: "as named"
    case .matched: "its name matches"
    case .systemDefault: "the system's default"
    case .first: "the first that works; there is no default"
    }
  }
}

extension PCMSettings {
  /// Such as "48000 Hz, S16, 2 channels".
  var words: String {
    "\(rate) Hz, \(format.rawValue), \(channels) channel\(channels == 1 ? "" : "s"), "
      + "period \(NumberText.fixed(periodMilliseconds, 1)) ms, buffer \(NumberText.fixed(bufferMilliseconds, 1)) ms"
  }
}

extension EchoMode: ExpressibleByArgument {}
