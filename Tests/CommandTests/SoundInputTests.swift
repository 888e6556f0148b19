import AudioIO
import Checkpoint
import Foundation
import Runtime
import TestSupport
import Testing

/// Recordings as people have them, through the command line.
@Suite struct SoundInputTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    let pcm = try Golden.open("tiny-codec/input.safetensors").floats("pcm", rank: 1).values
    for name in ["voice.wav", "voice.flac", "voice.opus"] {
      try Self.write(pcm, pcm, 1, directory.file(name))
    }
    try Self.write(pcm, pcm.map { -$0 }, 2, directory.file("opposite.wav"))
  }

  private static func write(_ left: [Float], _ right: [Float], _ channels: Int, _ path: String) throws {
    let sink = try SoundFileWriter.create(path, channels: channels)
    sink.write(left: left.span, right: right.span)
    try sink.finish()
  }

  private func shell(_ command: String) throws -> Program.Result {
    try Program.shell(command, directory: directory)
  }

  private func codes(_ name: String) throws -> [Int32] { try CodesFile(directory.file(name)).codes }

  @Test(
    "a sound file on standard input has the codes of the same file by name",
    arguments: ["wav", "flac", "opus"])
  func piped(name: String) throws {
    let result = try shell(
      "cat voice.\(name) | $antiphon encode - a.codes --codec $codec && "
        + "$antiphon encode voice.\(name) b.codes --codec $codec && "
        + "$antiphon encode - c.codes --codec $codec <voice.\(name)")
    #expect(result.code == 0 && result.errors == "", "\(result.errors)")
    #expect(try codes("a.codes") == codes("b.codes"))
    #expect(try codes("c.codes") == codes("b.codes"))
  }

  @Test("a pipe with a name is read like one without, and a device that never ends is refused")
  func named() throws {
    let result = try shell(
      "$antiphon encode <(cat voice.flac) a.codes --codec $codec && $antiphon encode <(cat voice.wav) b.codes "
        + "--codec $codec && cat voice.opus | $antiphon encode /dev/stdin c.codes --codec $codec && "
        + "$antiphon encode voice.flac d.codes --codec $codec && cmp a.codes d.codes")
    #expect(result.code == 0 && result.errors == "", "\(result.errors)")
    #expect(try codes("b.codes") == codes("a.codes"))
    let endless = try shell("$antiphon encode /dev/zero e.codes --codec $codec")
    #expect(endless.code == 65 && endless.sentence.hasPrefix("'/dev/zero' is not a sound file"))
  }

  @Test("every verb that reads sound reads a file from a pipe")
  func verbs() throws {
    let result = try shell(
      "cat voice.flac | $antiphon respond - a.wav --model $model && $antiphon respond voice.flac b.wav --model $model "
        + "&& cmp a.wav b.wav && cat voice.flac | $antiphon compare $model $model - ")
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.text.contains("divergence"))
  }

  @Test("a file in a pipe that cannot be read is refused in a sentence with advice")
  func refused() throws {
    let result = try shell(
      "(printf '\\0\\0\\0\\40ftypM4A '; head -c 4000 /dev/zero) | $antiphon encode - a.codes --codec $codec")
    #expect(result.code == 65)
    #expect(result.sentence.hasPrefix("standard input is not a sound file that can be read: "))
    #expect(result.errors.contains("ffmpeg -i pipe: "))
    #expect(!FileManager.default.fileExists(atPath: directory.file("a.codes")))
  }

  @Test("channels that cancel are said, and --channel chooses one")
  func channels() throws {
    let mixed = try shell("$antiphon encode opposite.wav a.codes --codec $codec")
    #expect(mixed.code == 0)
    #expect(
      mixed.errors.hasPrefix(
        "note: the channels of 'opposite.wav' cancel each other for 1.0 s; channel 1 was used"))
    let chosen = try shell(
      "$antiphon encode opposite.wav b.codes --codec $codec --channel 1 && "
        + "$antiphon encode voice.wav c.codes --codec $codec")
    #expect(chosen.code == 0 && chosen.errors == "")
    #expect(try codes("a.codes") == codes("c.codes"))
    #expect(try codes("b.codes") == codes("c.codes"))
  }

  @Test("a channel that is not there is one sentence, for every verb")
  func noChannel() throws {
    for verb in [
      "encode opposite.wav a.codes --codec $codec", "respond opposite.wav a.wav --model $model",
      "compare $model $model opposite.wav",
    ] {
      let result = try shell("$antiphon \(verb) --channel 3")
      #expect(result.code == 64, "\(verb)")
      #expect(result.sentence == "'opposite.wav' has 2 channels, and channel 3 was asked for.")
      #expect(try shell("$antiphon \(verb) --channel 0").code == 64)
    }
  }

  @Test("joined recordings are encoded whole")
  func joined() throws {
    let result = try shell(
      "cat voice.opus voice.opus >two.opus; $antiphon encode two.opus a.codes --codec $codec")
    #expect(result.code == 0 && result.errors == "")
    #expect(try CodesFile(directory.file("a.codes")).samples.map { abs($0 - 2 * 23_040) < 4 } == true)
  }

  @Test("a recording whose size is 0 is read to its end, with a remark")
  func sizeZero() throws {
    let result = try shell(
      "(head -c 40 voice.wav; printf '\\0\\0\\0\\0'; tail -c +45 voice.wav) >zero.wav; "
        + "$antiphon encode zero.wav a.codes --codec $codec && $antiphon encode voice.wav b.codes --codec $codec"
    )
    #expect(result.code == 0)
    #expect(
      result.errors
        == "note: 'zero.wav' says that it has 0 bytes of sound; it was read to its end all the same.\n")
    #expect(try codes("a.codes") == codes("b.codes"))
  }

  @Test("a recording that breaks off is used as far as it goes, with a remark")
  func cut() throws {
    let result = try shell(
      "head -c 24044 voice.wav >cut.wav; $antiphon encode cut.wav a.codes --codec $codec")
    #expect(result.code == 0)
    #expect(result.errors == "note: 'cut.wav' breaks off after 0.5 s of 1.0 s that it promises.\n")
  }

  @Test("advice can be pasted into a shell whatever the name is")
  func advice() throws {
    let names = [
      "it's no sound.wav", "two  spaces $HOME `id` \"q\" \\.wav", "line\nend.wav", "-dash.wav", "tab\t'.wav",
    ]
    for name in names {
      try Data("x".utf8).write(to: URL(filePath: directory.file(name)))
      let result = try Program.run("encode", "./" + name, "q", directory: directory.path)
      #expect(result.code == 65 && result.errors.split(separator: "\n").count == 2, "\(result.errors)")
      // The advised name, as a shell reads it, is the file's.
      let advised = try #require(result.errors.split(separator: "ffmpeg -i ").last).dropLast(
        " sound.wav\n".count)
      let read = try shell("printf %s \(advised)")
      #expect(read.text == "./" + name, "\(advised)")
    }
  }
}
