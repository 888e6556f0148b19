import ArgumentParser
import AudioIO
import Base

/// `antiphon devices`
struct Devices: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List microphones and loudspeakers, by the names that other verbs take.",
    discussion: """
      docs/ALSA.md explains cards, sound servers, permissions and containers.

      Example:
        antiphon devices
        antiphon talk --input Yeti
      """)

  @Flag(help: "Print the list as JSON.")
  var json = false

  mutating func run() throws {
    let inputs = ALSADevice.list(.capture)
    let outputs = ALSADevice.list(.playback)
    if json {
      return Terminal.print(try JSON.text((inputs + outputs).map(DeviceView.init)))
    }
    Terminal.print("Microphones (--input)\n" + Self.text(inputs, .capture))
    Terminal.print("\nLoudspeakers (--output)\n" + Self.text(outputs, .playback))
    if inputs.isEmpty && outputs.isEmpty {
      throw ALSADevice.explainNone(.capture)
    }
  }

  static func text(_ devices: [ALSADevice], _ direction: AudioDirection) -> String {
    if devices.isEmpty {
      return "  none: " + Message(ALSADevice.explainNone(direction)).sentence
    }
    return devices.map { device in
      var lines = ["  " + device.name]
      if !device.description.isEmpty { lines.append("      " + device.description) }
      if let offer = device.offer {
        lines.append("      " + offer.words)
      } else {
        lines.append("      cannot be opened now: " + Message.reason(device.errno))
      }
      return lines.joined(separator: "\n")
    }.joined(separator: "\n")
  }
}

extension DeviceOffer {
  /// Rates, channels and formats on one line; those that would be used come first.
  var words: String {
    let rates = rates.map(String.init).joined(separator: " ")
    let count = channels.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound) to \($0.upperBound)" }
    return "\(rates) Hz; channels: \(count ?? "none"); "
      + formats.map(\.rawValue).joined(separator: " ")
  }
}

/// A row of `devices --json`.
struct DeviceView: Encodable {
  let name: String
  let description: String
  let direction: String
  let rates: [Int]
  let channels: [Int]
  let formats: [String]
  let error: String?

  init(_ device: ALSADevice) {
    name = device.name
    description = device.description
    direction = device.direction.rawValue
    rates = device.offer?.rates ?? []
    channels = device.offer?.channels.map { [$0.lowerBound, $0.upperBound] } ?? []
    formats = device.offer?.formats.map(\.rawValue) ?? []
    error = device.offer == nil ? Message.reason(device.errno) : nil
  }
}
