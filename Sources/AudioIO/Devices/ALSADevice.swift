import CALSA
import Glibc

/// A sound device that can be named on the command line.
package struct ALSADevice: Equatable, Sendable {
  /// ALSA's name for it, which can be pasted into a command.
  package var name: String
  /// Its name for people, on one line.
  package var description: String
  package var direction: AudioDirection
  /// What it supports; nil if it could not be probed because it is in use or gone.
  package var offer: DeviceOffer?
  /// The error number of a failed probe; 0 if it succeeded.
  package var errno: Int32

  /// Every device of a direction that is worth listing, `default` first.
  package static func list(_ direction: AudioDirection) -> [ALSADevice] {
    var devices: [ALSADevice] = []
    for hint in hints() where hint.directions.contains(direction) && isUseful(hint.name) {
      let device = probe(hint.name, hint.description, direction)
      // A device that cannot be opened is left out, unless it is busy or permission is missing.
      if device.offer != nil || [EBUSY, EACCES, EPERM].contains(device.errno) { devices.append(device) }
    }
    return devices.filter { $0.name == "default" } + devices.filter { $0.name != "default" }
  }

  /// Opens a device briefly to find out what it supports.
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
    // ALSA caches its configuration: a card plugged in or removed since shows up only after it is read again.
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

  // Plugins that need a parameter, and other views of a card that `hw` and `plughw` already offer.
  private static let uselessNames: Set<Substring> = [
    "null", "samplerate", "speexrate", "speex", "upmix", "vdownmix", "lavrate", "jack", "oss", "usbstream",
    "front", "rear", "center_lfe", "side", "surround21", "surround40", "surround41", "surround50",
    "surround51", "surround71", "iec958", "spdif", "dmix", "dsnoop", "sysdefault", "modem", "phoneline",
  ]

  private static func isUseful(_ name: String) -> Bool {
    !uselessNames.contains(name.prefix { $0 != ":" })
  }
}
