import Foundation
import Testing

@testable import AudioIO

@Suite("Choosing a device")
struct ALSADeviceTests {
  private func device(_ name: String, _ description: String = "", errno: Int32 = 0) -> ALSADevice {
    let probe = ALSADevice.probe("null", "", .capture)
    return ALSADevice(
      name: name, description: description, direction: .capture, offer: errno == 0 ? probe.offer : nil,
      errno: errno)
  }

  private func choose(
    _ wanted: String?, _ devices: [ALSADevice], probe: Int32 = ENOENT
  ) throws(AudioDeviceError) -> DeviceChoice {
    try ALSADevice.choose(
      wanted, .capture, among: devices, missing: { .noCard }, probe: { _ in probe })
  }

  @Test("with no name given, it is the default, or else the first that works")
  func unnamed() throws {
    let yeti = device("hw:CARD=Yeti,DEV=0", "Yeti Microphone")
    #expect(try choose(nil, [device("default"), yeti]).reason == .systemDefault)
    let choice = try choose(nil, [device("default", errno: EBUSY), yeti])
    #expect(choice.name == "hw:CARD=Yeti,DEV=0" && choice.reason == .first)
  }

  @Test("part of a name or description is enough, in upper or lower case")
  func part() throws {
    let devices = [device("default"), device("hw:CARD=Yeti,DEV=0", "Blue Microphone, USB Audio")]
    #expect(try choose("yeti", devices).name == "hw:CARD=Yeti,DEV=0")
    #expect(try choose("usb", devices).reason == .matched)
  }

  @Test("a full name takes precedence over partial matches")
  func full() throws {
    let devices = [device("hw:CARD=A,DEV=0"), device("hw:CARD=A,DEV=01")]
    let choice = try choose("hw:CARD=A,DEV=0", devices)
    #expect(choice.name == "hw:CARD=A,DEV=0" && choice.reason == .named)
  }

  @Test("hw and plughw of one card are one device")
  func plug() throws {
    let devices = [device("hw:CARD=Yeti,DEV=0"), device("plughw:CARD=Yeti,DEV=0")]
    #expect(try choose("Yeti", devices).name == "hw:CARD=Yeti,DEV=0")
  }

  @Test("a sound server that does not answer is distinguished from a missing card")
  func silentServer() {
    #expect(throws: AudioDeviceError.serverSilent(name: "default", .capture, server: .pipeWire)) {
      try choose(nil, [], probe: EHOSTDOWN)
    }
    #expect(throws: AudioDeviceError.pluginMissing(name: "default", .capture)) {
      try choose(nil, [], probe: ENXIO)
    }
    #expect(
      ALSADevice.silence("pulse", .playback, errno: ECONNREFUSED, address: "unix:/nonexistent")
        == .serverSilent(name: "pulse", .playback, server: .pulseAudio(address: "unix:/nonexistent")))
    #expect(
      ALSADevice.silence("pulse", .playback, errno: ECONNREFUSED, address: nil)
        == .serverSilent(name: "pulse", .playback, server: .pulseAudio(address: nil)))
    #expect(ALSADevice.silence("hw:0", .playback, errno: ENXIO) == nil)
    #expect(ALSADevice.silence("default", .playback, errno: ENOENT) == nil)
  }

  @Test("two matching devices are an error that names both")
  func ambiguous() {
    let devices = [device("hw:CARD=A,DEV=0", "USB"), device("hw:CARD=B,DEV=0", "USB")]
    #expect(throws: AudioDeviceError.ambiguous(name: "usb", .capture, matches: devices.map(\.name))) {
      try choose("usb", devices)
    }
  }

  @Test("a name that is not listed is tried as given")
  func unlisted() throws {
    #expect(try choose("plug:'hw:1,0'", [device("default")], probe: 0).reason == .named)
    #expect(throws: AudioDeviceError.cannotOpen(name: "hw:1,0", .capture, errno: EBUSY)) {
      try choose("hw:1,0", [device("default")], probe: EBUSY)
    }
    #expect(throws: AudioDeviceError.notFound(name: "nonsense", .capture, known: ["default"])) {
      try choose("nonsense", [device("default")])
    }
  }

  @Test("an empty choice is explained")
  func nothing() {
    #expect(throws: AudioDeviceError.noDevice(.capture, because: .noCard)) { try choose(nil, []) }
    #expect(throws: AudioDeviceError.noDevice(.capture, because: .noCard)) { try choose("x", []) }
  }

  @Test("an empty list is explained by what the system shows")
  func explanation() throws {
    let scratch = try Scratch()
    let directory = scratch.directory.path
    #expect(ALSADevice.explainEmptyList(.capture, directory: directory + "/none") == .noCard)
    _ = try scratch.file("timer", [])
    #expect(ALSADevice.explainEmptyList(.capture, directory: directory) == .noCard)
    _ = try scratch.file("pcmC0D0p", [])
    #expect(ALSADevice.explainEmptyList(.capture, directory: directory) == .noneInDirection)
    let node = try scratch.file("pcmC0D0c", [])
    chmod(node, 0)
    let isRoot = geteuid() == 0  // who may open everything
    let group = try #require(getgrgid(getegid()))
    let expected: MissingDevices =
      isRoot
      ? .noneInDirection : .noPermission(path: node, group: String(cString: group.pointee.gr_name))
    #expect(ALSADevice.explainEmptyList(.capture, directory: directory) == expected)
  }

  @Test("a device that does not exist cannot be opened, and nothing is printed")
  func missing() {
    #expect(throws: AudioDeviceError.cannotOpen(name: "no-such-device", .playback, errno: ENOENT)) {
      try ALSAPort.open(.init(name: "no-such-device", direction: .playback))
    }
  }

  @Test("a real ALSA device takes the first format, one channel and 48 kHz if it can")
  func settings() throws {
    let port = try ALSAPort.open(.init(name: "null", direction: .playback))
    #expect(port.settings.format == .float32 && port.settings.channels == 1)
    #expect(port.settings.rate == 48_000 && port.settings.periodFrames == 480)
  }
}
