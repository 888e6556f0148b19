/// Which way sound flows through a device.
package enum AudioDirection: String, Sendable {
  case capture
  case playback
}

/// Why a sound device could not be used.
package enum AudioDeviceError: Error, Equatable, Sendable {
  /// There is no device to choose from.
  case noDevice(AudioDirection, because: MissingDevices)
  /// No device has `name` as its name or in its name or description.
  case notFound(name: String, AudioDirection, known: [String])
  /// More than one device has `name` in its name or description.
  case ambiguous(name: String, AudioDirection, matches: [String])
  /// The system refused: busy, no permission, unplugged, or a server that does not answer.
  case cannotOpen(name: String, AudioDirection, errno: Int32)
  /// The device has no sample format, rate or channel count that can be converted.
  case unsupported(name: String, AudioDirection, setting: DeviceSetting)
  /// A sound server lies between the program and the cards, and does not answer.
  case serverSilent(name: String, AudioDirection, server: SoundServer)
  /// The library that connects ALSA to a sound server is not installed.
  case pluginMissing(name: String, AudioDirection)
  /// Sound moves faster than time passes, as with ALSA's `null`: a conversation needs a clock.
  case noClock(name: String, AudioDirection)
  /// The device reports that it works, but no sound moves.
  case givesNothing(name: String, AudioDirection)
  /// A call to the device does not return.
  case noAnswer(name: String, AudioDirection)
}

/// Why the list of devices is empty.
package enum MissingDevices: Equatable, Sendable {
  /// The kernel shows no sound card: there is no `/dev/snd`, as in a container that was given none.
  case noCard
  /// There is a card, but this user may not open `path`, which belongs to `group`.
  case noPermission(path: String, group: String)
  /// There are cards, but none supports this direction.
  case noneInDirection
}

/// A device parameter that could not be set.
package enum DeviceSetting: String, Sendable {
  case access, format, channels, rate, period, buffer, start
}

/// The kind of sound server.
package enum SoundServer: Equatable, Sendable {
  case pipeWire
  /// PulseAudio, or PipeWire standing in for it; `address` is the variable PULSE_SERVER, if set.
  case pulseAudio(address: String?)
}

extension AudioDeviceError {
  init(_ fault: DeviceFault, _ name: String, _ direction: AudioDirection) {
    self = fault == .noClock ? .noClock(name: name, direction) : .givesNothing(name: name, direction)
  }
}
