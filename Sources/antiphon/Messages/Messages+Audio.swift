import AudioIO
import Glibc

extension Message {
  init(_ error: AudioDeviceError) {
    switch error {
    case .noDevice(let direction, let reason):
      self.init(reason, direction)
    case .notFound(let name, let direction, let known):
      self.init(
        "No \(Self.noun(direction)) is called '\(name)', and none has that in its name.",
        "Available: " + known.joined(separator: " "), .noInput)
    case .ambiguous(let name, let direction, let matches):
      self.init(
        "'\(name)' matches \(matches.count) \(Self.noun(direction))s.",
        "Name one of them: " + matches.joined(separator: " "), .usage)
    case .cannotOpen(let name, let direction, let code):
      self.init(
        "The \(Self.noun(direction)) '\(name)' cannot be opened: \(Self.reason(code)).", Self.remedy(code),
        .noInput)
    case .unsupported(let name, let direction, let setting):
      self.init(
        "The \(Self.noun(direction)) '\(name)' has no \(setting.rawValue) that can be used.",
        "Use its 'plughw:' name instead, or another device: antiphon devices", .noInput)
    }
  }

  private init(_ reason: MissingDevices, _ direction: AudioDirection) {
    switch reason {
    case .noCard:
      self.init(
        "There is no sound card here: the system shows none in /dev/snd.",
        "Plug one in; give a container one with --device /dev/snd; or start a sound server (docs/ALSA.md).",
        .noInput)
    case .noPermission(let path, let group):
      self.init(
        "There is a sound card, but this user may not open '\(path)'.",
        "Join the group and log in again: sudo usermod -aG \(group) $USER", .noInput)
    case .noneInDirection:
      self.init(
        "There are sound cards, but no \(Self.noun(direction)) among them that can be opened.",
        "Plug one in, or see whether another program holds it: fuser -v /dev/snd/*", .noInput)
    }
  }

  private static func noun(_ direction: AudioDirection) -> String {
    direction == .capture ? "microphone" : "loudspeaker"
  }

  private static func remedy(_ code: Int32) -> String {
    switch code {
    case EBUSY: "Another program holds it: fuser -v /dev/snd/*"
    case EACCES, EPERM: "Join the group and log in again: sudo usermod -aG audio $USER"
    case ECONNREFUSED:
      "The sound server does not answer: start PipeWire or PulseAudio, or use a 'hw:' device."
    default: "List the devices: antiphon devices"
    }
  }
}
