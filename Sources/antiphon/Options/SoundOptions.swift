import ArgumentParser
import AudioIO

/// The options that choose which part of a recording is heard.
struct SoundOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Use only this channel of the recording, from 1; by default channels are mixed.", valueName: "number"))
  var channel: Int?

  func validate() throws {
    if let channel, channel < 1 { throw ValidationError("--channel takes a number from 1.") }
  }

  func open(_ path: String, sampleRate: Int) throws(SoundFileError) -> SoundFileReader {
    try SoundFileReader.open(path, sampleRate: sampleRate, channel: channel)
  }
}
