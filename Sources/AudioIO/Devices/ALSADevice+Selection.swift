import Glibc

/// The chosen device, and how it was chosen.
package struct DeviceChoice: Equatable, Sendable {
  package enum Reason: String, Sendable {
    /// By its full name.
    case named
    /// By part of its name or description.
    case matched
    /// No name was given, and there is a `default`.
    case systemDefault
    /// No name was given and there is no `default`: the first that works.
    case first
  }

  package var name: String
  package var description: String
  package var reason: Reason
}

extension ALSADevice {
  /// Chooses one of the system's devices.
  ///
  /// - Parameter wanted: a name as ALSA spells it, or part of a name or description; nil takes the default.
  package static func choose(
    _ wanted: String?, _ direction: AudioDirection
  ) throws(AudioDeviceError) -> DeviceChoice {
    try DeviceThread.ask(wanted ?? "default", direction) {
      Result { () throws(AudioDeviceError) in
        try choose(
          wanted, direction, among: list(direction), missing: { explainEmptyList(direction) },
          probe: { probe($0, "", direction).errno })
      }
    }
  }

  static func choose(
    _ wanted: String?, _ direction: AudioDirection, among devices: [ALSADevice],
    missing: () -> MissingDevices, probe: (String) -> Int32
  ) throws(AudioDeviceError) -> DeviceChoice {
    guard let wanted else {
      let usable = devices.filter { $0.offer != nil }
      if let device = usable.first {
        return DeviceChoice(
          name: device.name, description: device.description,
          reason: device.name == "default" ? .systemDefault : .first)
      }
      if let device = devices.first {
        throw .cannotOpen(name: device.name, direction, errno: device.errno)
      }
      // A default that leads to a sound server is of no use while the server does not answer, but no card is missing
      // either.
      throw silence("default", direction, errno: probe("default")) ?? .noDevice(direction, because: missing())
    }
    if let device = devices.first(where: { $0.name == wanted }) {
      return DeviceChoice(name: wanted, description: device.description, reason: .named)
    }
    let matches = devices.filter { device in
      contains(device.name, wanted) || contains(device.description, wanted)
    }
    // `hw` and `plughw` of one device both match its name; the first is the device itself.
    let distinct = matches.filter { device in
      !matches.contains { $0.name != device.name && "plug" + $0.name == device.name }
    }
    if let device = distinct.first, distinct.count == 1 {
      return DeviceChoice(name: device.name, description: device.description, reason: .matched)
    }
    if distinct.count > 1 {
      throw .ambiguous(name: wanted, direction, matches: distinct.map(\.name))
    }
    // Names with parameters, and those from the user's own configuration, are not listed.
    let errno = probe(wanted)
    if errno == 0 { return DeviceChoice(name: wanted, description: "", reason: .named) }
    if errno != ENOENT { throw refusal(wanted, direction, errno: errno) }
    if devices.isEmpty { throw .noDevice(direction, because: missing()) }
    throw .notFound(name: wanted, direction, known: devices.map(\.name))
  }

  /// Why there is no device at all.
  package static func explainNone(_ direction: AudioDirection) -> AudioDeviceError {
    silence("default", direction, errno: probe("default", "", direction).errno)
      ?? .noDevice(direction, because: explainEmptyList(direction))
  }

  /// Why the system refused to open a device.
  static func refusal(_ name: String, _ direction: AudioDirection, errno: Int32) -> AudioDeviceError {
    silence(name, direction, errno: errno) ?? .cannotOpen(name: name, direction, errno: errno)
  }

  /// What an error number says about a sound server; nil if it is about something else.
  static func silence(
    _ name: String, _ direction: AudioDirection, errno: Int32,
    address: String? = getenv("PULSE_SERVER").map { String(cString: $0) }
  ) -> AudioDeviceError? {
    // A card has no server.
    if name.hasPrefix("hw:") || name.hasPrefix("plughw:") { return nil }
    return switch errno {
    // PipeWire's plugin returns this whatever the cause.
    case EHOSTDOWN: .serverSilent(name: name, direction, server: .pipeWire)
    case ECONNREFUSED, ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, ECONNABORTED:
      .serverSilent(
        name: name, direction, server: .pulseAudio(address: address.flatMap { $0.isEmpty ? nil : $0 }))
    // The plugin's library cannot be loaded.
    case ENXIO: .pluginMissing(name: name, direction)
    default: nil
    }
  }

  private static func contains(_ text: String, _ part: String) -> Bool {
    let (text, part) = (Array(text.lowercased().utf8), Array(part.lowercased().utf8))
    guard !part.isEmpty, part.count <= text.count else { return false }
    return (0...text.count - part.count).contains { text[$0..<$0 + part.count].elementsEqual(part) }
  }

  /// Why no device was found.
  ///
  /// - Parameter directory: where the kernel shows its sound cards.
  package static func explainEmptyList(
    _ direction: AudioDirection, directory: String = "/dev/snd"
  ) -> MissingDevices {
    guard let listing = opendir(directory) else { return .noCard }
    defer { closedir(listing) }
    var nodes: [String] = []
    while let entry = readdir(listing) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      // The device nodes: pcmC0D0c records, pcmC0D0p plays.
      if name.hasPrefix("pcm") { nodes.append(name) }
    }
    if nodes.isEmpty { return .noCard }
    for node in nodes.sorted() where node.hasSuffix(direction == .capture ? "c" : "p") {
      let path = directory + "/" + node
      if access(path, R_OK | W_OK) == 0 { continue }
      var status = stat()
      let group = stat(path, &status) == 0 ? getgrgid(status.st_gid) : nil
      return .noPermission(path: path, group: group.map { String(cString: $0.pointee.gr_name) } ?? "audio")
    }
    return .noneInDirection
  }
}
