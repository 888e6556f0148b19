import CALSA
import Glibc

/// A sound device that can be named on the command line.
package struct ALSADevice: Equatable, Sendable {
  /// What ALSA calls it; can be pasted.
  package var name: String
  /// What a person calls it, on one line.
  package var description: String
  package var direction: AudioDirection
  /// What it can do; nil when it could not be asked because it is in use or gone.
  package var offer: DeviceOffer?
  /// Why it could not be asked, as an error number; 0 when it could.
  package var errno: Int32

  /// Every device of a direction that is worth naming, `default` first.
  package static func list(_ direction: AudioDirection) -> [ALSADevice] {
    var devices: [ALSADevice] = []
    for hint in hints() where hint.directions.contains(direction) && isUseful(hint.name) {
      let device = probe(hint.name, hint.description, direction)
      // What cannot be opened at all is not a device, save when somebody else has it or we lack the right.
      if device.offer != nil || [EBUSY, EACCES, EPERM].contains(device.errno) { devices.append(device) }
    }
    return devices.filter { $0.name == "default" } + devices.filter { $0.name != "default" }
  }

  /// Opens a device shortly to ask what it offers.
  package static func probe(
    _ name: String, _ description: String, _ direction: AudioDirection
  ) -> ALSADevice {
    precondition(ALSAPort.isLibraryReady)
    var device = ALSADevice(
      name: name, description: description, direction: direction, offer: nil, errno: 0)
    var handle: OpaquePointer?
    let stream = direction == .capture ? SND_PCM_STREAM_CAPTURE : SND_PCM_STREAM_PLAYBACK
    let error = snd_pcm_open(&handle, name, stream, SND_PCM_NONBLOCK | SND_PCM_NO_AUTO_RESAMPLE)
    if error >= 0, let handle {
      device.offer = DeviceOffer(handle)
      snd_pcm_close(handle)
    } else {
      device.errno = -error
    }
    return device
  }

  private struct Hint {
    var name: String
    var description: String
    var directions: [AudioDirection]
  }

  private static func hints() -> [Hint] {
    precondition(ALSAPort.isLibraryReady)
    // A card that came or went since the last time is in the configuration only after a new reading.
    snd_config_update_free_global()
    var table: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    guard snd_device_name_hint(-1, "pcm", &table) >= 0, let table else { return [] }
    defer { snd_device_name_free_hint(table) }
    var result: [Hint] = []
    var entry = table
    while let hint = entry.pointee {
      if let name = text(hint, "NAME") {
        let directions: [AudioDirection] =
          switch text(hint, "IOID") {
          case "Input": [.capture]
          case "Output": [.playback]
          default: [.capture, .playback]
          }
        let description = text(hint, "DESC") ?? ""
        result.append(
          Hint(
            name: name, description: description.split(separator: "\n").joined(separator: ", "),
            directions: directions))
      }
      entry += 1
    }
    return result
  }

  private static func text(_ hint: UnsafeMutableRawPointer, _ key: String) -> String? {
    guard let value = snd_device_name_get_hint(hint, key) else { return nil }
    defer { free(value) }
    return String(cString: value)
  }

  // Plugins that need a parameter, and other views of a card that `hw` and `plughw` already give.
  private static let uselessNames: Set<Substring> = [
    "null", "samplerate", "speexrate", "speex", "upmix", "vdownmix", "lavrate", "jack", "oss", "usbstream",
    "front", "rear", "center_lfe", "side", "surround21", "surround40", "surround41", "surround50",
    "surround51", "surround71", "iec958", "spdif", "dmix", "dsnoop", "sysdefault", "modem", "phoneline",
  ]

  private static func isUseful(_ name: String) -> Bool {
    !uselessNames.contains(name.prefix { $0 != ":" })
  }
}
