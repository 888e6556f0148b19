import AudioIO
import Checkpoint
import Foundation
import Glibc
import Runtime
import TestSupport
import Testing

@testable import antiphon

/// What happens when an output cannot be written, or nobody reads it any more.
@Suite struct OutputFailureTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    let pcm = try Golden.open("tiny-codec/input.safetensors").floats("pcm", rank: 1).values
    let sink = try SoundFileWriter.create(directory.file("in.wav"))
    sink.write(pcm.span)
    try sink.finish()
  }

  private func shell(_ command: String, _ environment: [String: String] = [:]) throws -> Program.Result {
    try Program.shell(command, directory: directory, environment)
  }

  private func file(_ name: String) -> String { directory.file(name) }
  private var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() }
  }

  // MARK: Standard output

  @Test(
    "text that cannot be written to standard output is an error",
    arguments: [
      "inspect $model", "inspect --json $model", "--help", "--version", "help encode", "encode --help",
      "devices --json",
      "encode in.wav a.codes --codec $codec --json", "respond in.wav a.wav --model $model",
      "respond in.wav a.wav --model $model --json", "compare $model $model in.wav",
      "bench codec --codec $codec --frames 2 --flat-out --json", "--generate-completion-script bash",
    ])
  func full(words: String) throws {
    let result = try shell("$antiphon \(words) >/dev/full")
    #expect(result.code == 74, "\(words): \(result.errors)")
    #expect(result.errors.contains("antiphon: Standard output cannot be written: No space left on device."))
    // A descriptor that was closed before the start is no better.
    let closed = try shell("$antiphon \(words.replacing("a.", with: "b.")) >&-")
    #expect(closed.code == 74, "\(words): \(closed.errors)")
  }

  @Test("sound and codes that cannot be written to standard output are an error")
  func fullSound() throws {
    for words in ["encode in.wav - --codec $codec", "respond in.wav - --model $model"] {
      let result = try shell("$antiphon \(words) >/dev/full")
      #expect(
        result.code == 74 && result.sentence.hasSuffix(": No space left on device."), "\(result.errors)")
    }
  }

  @Test("no file that is made takes the number of a standard stream that is closed")
  func closedStreams() throws {
    let whole = try shell("$antiphon encode in.wav a.codes --codec $codec")
    #expect(whole.code == 0)
    let closed = try shell("$antiphon encode in.wav b.codes --codec $codec <&- >&- 2>&-; echo $?")
    #expect(closed.text == "0\n")
    #expect(try shell("cmp a.codes b.codes").code == 0)
  }

  @Test("a reader of text who has seen enough ends the program in silence, with the code of SIGPIPE")
  func textReader() throws {
    let result = try shell(
      "{ sleep 0.3; $antiphon inspect --tensors $model; echo $? >code; } | true; cat code")
    #expect(result.text == "141\n" && result.errors == "", "\(result.errors)")
  }

  @Test("a reader of sound who goes away ends the run in order: words and logs are written")
  func soundReader() throws {
    let result = try shell(
      "{ $antiphon respond in.wav - --model $model --text t.txt --latency log; echo $? >code; } | head -c 9600 | wc -c; "
        + "cat code; $antiphon report log >/dev/null")
    #expect(result.text == "9600\n141\n", "\(result.text)")
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.sentence.hasPrefix("The reader of standard output went away after "))
    #expect(FileManager.default.fileExists(atPath: file("t.txt")))
    for name in ["frames.csv", "turns.csv", "latency.json", "latency.svg"] {
      #expect(FileManager.default.fileExists(atPath: file("log/" + name)), "\(name)")
    }
  }

  @Test("standard error may go away, or be full, without harm")
  func errors() throws {
    let result = try shell(
      "{ sleep 0.2; $antiphon respond in.wav a.wav --model $model --json 2>&3; } 3> >(true) && "
        + "$antiphon respond in.wav b.wav --model $model --json 2>/dev/full && cmp a.wav b.wav")
    #expect(result.code == 0, "\(result.errors)")
  }

  // MARK: Disks

  @Test("a file that may not grow further ends the writing in a sentence, and can be opened")
  func limit() throws {
    let result = try shell("ulimit -f 20; $antiphon respond in.wav a.wav --model $model --text t.txt")
    #expect(result.code == 74)
    #expect(result.sentence == "Writing 'a.wav' stopped: File too large.")
    let reader = try SoundFileReader.open(file("a.wav"))
    #expect(try #require(reader.duration) > 0.2)
    #expect(FileManager.default.fileExists(atPath: file("t.txt")))
  }

  @Test("an output that was to be replaced stays whole when the new one cannot be written")
  func replaced() throws {
    _ = try shell(
      "mkdir old; $antiphon respond in.wav a.wav --model $model --latency log; cp a.wav old; $antiphon encode in.wav a.codes --codec $codec; cp a.codes old"
    )
    let respond = try shell(
      "ulimit -f 4; $antiphon respond in.wav a.wav --model $model --latency log --overwrite")
    #expect(respond.code == 74, "\(respond.errors)")
    #expect(respond.errors.contains("The earlier file is unchanged"))
    let encode = try shell(
      "(ulimit -f 0; $antiphon encode in.wav a.codes --codec $codec --overwrite) 2>&1 | cat >&2; exit ${PIPESTATUS[0]}"
    )
    #expect(encode.code == 74 && encode.sentence == "'a.codes' cannot be written: File too large.")
    #expect(try shell("cmp a.wav old/a.wav && cmp a.codes old/a.codes").code == 0)
    #expect(try names == ["a.codes", "a.wav", "in.wav", "log", "old"])
  }

  @Test("logs that cannot be written further have no line that breaks off")
  func logs() throws {
    let result = try shell(
      "ulimit -f 2; cat in.wav | $antiphon respond - - --model $model --latency log2 >/dev/null")
    #expect(result.code == 74 && result.sentence == "'log2/frames.csv' cannot be written: File too large.")
    let text = try String(contentsOfFile: file("log2/frames.csv"), encoding: .utf8)
    #expect(text.hasSuffix("\n"))
  }

  @Test("a directory that is gone, or a part of the path that is a file, is one sentence")
  func gone() throws {
    let removed = try shell("mkdir d; cd d; rmdir ../d; $antiphon encode ../in.wav a.codes --codec $codec")
    #expect(removed.code == 66 || removed.code == 73, "\(removed.errors)")
    let result = try shell(
      "mkdir e; cd e; cp ../in.wav /tmp/in-$$.wav; rmdir ../e; "
        + "$antiphon encode /tmp/in-$$.wav a.codes --codec $codec; code=$?; rm /tmp/in-$$.wav; exit $code")
    #expect(result.code == 73 && result.sentence == "'a.codes' cannot be written: No such file or directory.")
    let file = try shell("$antiphon encode in.wav in.wav/a.codes --codec $codec")
    #expect(file.code == 73 && file.sentence == "'in.wav/a.codes' cannot be written: Not a directory.")
  }

  @Test(
    "a directory that may not be written is one sentence",
    .enabled(if: geteuid() != 0, "root may write anywhere"))
  func readOnly() throws {
    let result = try shell("mkdir d; chmod 555 d; $antiphon encode in.wav d/a.codes --codec $codec")
    #expect(result.code == 73 && result.sentence == "'d/a.codes' cannot be written: Permission denied.")
  }

  @Test("pipes and devices are written as they are, and links are followed")
  func special() throws {
    let result = try shell(
      "$antiphon encode in.wav a.codes --codec $codec; mkfifo pipe; cat pipe >b.codes & "
        + "$antiphon encode in.wav pipe --codec $codec; wait; cmp a.codes b.codes && "
        + "$antiphon encode in.wav /dev/stdout --codec $codec | cmp - a.codes && "
        + "{ echo before; $antiphon encode in.wav /dev/stdout --codec $codec; } >c.codes && "
        + "(echo before; cat a.codes) | cmp - c.codes && $antiphon encode in.wav /dev/null --codec $codec && "
        + "ln -s d.codes link && $antiphon encode in.wav link --codec $codec && cmp a.codes d.codes && "
        + "chmod 600 d.codes && $antiphon encode in.wav link --codec $codec --overwrite && test -L link && "
        + "test $(stat -c %a d.codes) = 600 && (umask 027; $antiphon encode in.wav f.codes --codec $codec) && "
        + "test $(stat -c %a f.codes) = 640 && test -p pipe && test -c /dev/null")
    #expect(result.code == 0, "\(result.errors)")
  }

  // MARK: Disks that fail

  @Test(
    "a disk that fails, or a quota, is a sentence, and what was there stays whole",
    arguments: [
      ("write", EIO), ("write", EDQUOT), ("write", ENOSPC), ("fsync", EIO), ("close", EDQUOT),
      ("rename", EIO),
    ])
  func failing(call: String, code: Int32) throws {
    let reason = String(cString: strerror(code))
    let library = try Faults.library.get()
    func broken(_ command: String, _ name: String) throws -> Program.Result {
      try shell(
        "export LD_PRELOAD=\(library); \(command)",
        ["FAULT_CALL": call, "FAULT_NAME": name, "FAULT_CODE": "\(code)"])
    }
    for name in ["x.codes", "x.wav", "t.txt"] {
      try Data("precious".utf8).write(to: URL(filePath: file(name)))
    }
    let encode = try broken("$antiphon encode in.wav x.codes --codec $codec --overwrite", "x.codes")
    #expect(
      encode.code == 74 && encode.sentence == "'x.codes' cannot be written: \(reason).", "\(encode.errors)")

    if call != "fsync" {
      let respond = try broken("$antiphon respond in.wav x.wav --model $model --overwrite", "x.wav")
      #expect(respond.code == (call == "write" ? 73 : 74), "\(respond.errors)")
      #expect(respond.sentence.hasSuffix(": \(reason)."))
    }
    let text = try broken("$antiphon respond in.wav y.wav --model $model --text t.txt --overwrite", "t.txt")
    #expect(text.code == 74 && text.sentence == "'t.txt' cannot be written: \(reason).", "\(text.errors)")
    #expect(try SoundFileReader.open(file("y.wav")).duration ?? 0 > 0.9)
    for name in ["x.codes", "x.wav", "t.txt"] {
      #expect(try String(contentsOfFile: file(name), encoding: .utf8) == "precious", "\(name)")
    }
    let log = try broken("$antiphon respond in.wav z.wav --model $model --latency log", "frames.csv")
    if call == "write" || call == "close" {
      #expect(
        log.code == 74 && log.sentence == "'log/frames.csv' cannot be written: \(reason).", "\(log.errors)")
    }
    let convert = try broken("$antiphon convert $model q --bits 8", "model.safetensors")
    if call != "close" {
      #expect(convert.code == 74, "\(convert.errors)")
      #expect(!FileManager.default.fileExists(atPath: file("q/model.safetensors")))
    }
    // The disk is mended: it goes on where it was.
    #expect(try shell("$antiphon convert $model q --bits 8 --overwrite && $antiphon inspect q").code == 0)
    #expect(try names.filter { $0.contains("partial") } == [])
  }
}
