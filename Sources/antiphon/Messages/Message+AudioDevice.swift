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
    case .serverSilent, .pluginMissing, .noClock, .givesNothing, .noAnswer:
      self.init(unusable: error)
    }
  }

  /// A device that exists and does not work.
  private init(unusable error: AudioDeviceError) {
    switch error {
    case .serverSilent(let name, let direction, let server):
      self.init(
        server, "The \(Self.noun(direction)) '\(name)' belongs to a sound server that does not answer")
    case .pluginMissing(let name, let direction):
      self.init(
        "The \(Self.noun(direction)) '\(name)' leads to a sound server, and ALSA's plugin for it cannot be loaded.",
        "Install pipewire-alsa for PipeWire, libasound2-plugins for PulseAudio; or use a 'hw:' device.",
        .noInput)
    case .noClock(let name, let direction):
      self.init(
        "The \(Self.noun(direction)) '\(name)' has no clock: its sound moves faster than time passes.",
        "Use a real device, or a sound server's: antiphon devices", .noInput)
    case .givesNothing(let name, let direction):
      self.init(
        "The \(Self.noun(direction)) '\(name)' claims to run, but moves no sound.",
        "Plug it in again, or restart the sound server; others are listed by: antiphon devices", .noInput)
    case .noAnswer(let name, let direction):
      self.init(
        "The \(Self.noun(direction)) '\(name)' does not answer: a call of its driver, or its server, does not return.",
        "Plug it in again, or restart the sound server; others are listed by: antiphon devices", .noInput)
    default:
      self.init("A sound device cannot be used.", "List the devices: antiphon devices", .noInput)
    }
  }

  private init(_ server: SoundServer, _ fact: String) {
    switch server {
    case .pipeWire:
      self.init(
        fact + ": PipeWire is down.", "Start it: systemctl --user start pipewire; or use a 'hw:' device.",
        .noInput)
    case .pulseAudio(nil):
      self.init(
        fact + ": PulseAudio, or PipeWire in its place.",
        "Start it: pulseaudio --start, or systemctl --user start pipewire-pulse; or use a 'hw:' device.",
        .noInput)
    case .pulseAudio(let address?):
      self.init(
        fact + ": PULSE_SERVER is '\(address)'.",
        "Start it there, or let it be found: unset PULSE_SERVER; pulseaudio --start", .noInput)
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
    default: "List the devices: antiphon devices"
    }
  }
}
