import AudioIO
import Base
import Checkpoint
import Dialogue
import Glibc
import Latency
import Runtime

@testable import antiphon

/// Every error that a person can meet, one example each, with its cause: the content of docs/Errors.md.
enum ErrorTable {
  struct Section {
    let title: String
    /// The file that defines the errors, so that a test can see that none is missing.
    let source: String
    let rows: [(error: any Error, cause: String)]
  }

  static let sections = [
    Section(title: "Files", source: "Base/FileError.swift", rows: file),
    Section(title: "Sound files", source: "AudioIO/Files/SoundFileError.swift", rows: sound),
    Section(title: "Models and codes files", source: "Checkpoint/CheckpointError.swift", rows: checkpoint),
    Section(title: "Tokenizers", source: "Dialogue/Tokens/TextTokenizer.swift", rows: tokenizer),
    Section(title: "Dialogue model", source: "Dialogue/DialogueError.swift", rows: dialogue),
    Section(title: "Latency logs", source: "Latency/LatencyReportError.swift", rows: latency),
    Section(title: "Sound devices", source: "AudioIO/Devices/AudioDeviceError.swift", rows: device),
    Section(title: "Commands", source: "antiphon/Messages/CommandError.swift", rows: command),
  ]

  private static let file: [(any Error, String)] = [
    (FileError.cannotOpen(path: "a.json", code: EACCES), "the file's permissions, mostly"),
    (FileError.cannotRead(path: "a.json", code: EIO), "the disk, or the network that it is on, fails"),
    (FileError.cannotCreate(path: "evening/said.codes", code: EEXIST), "an output of an earlier run"),
    (FileError.cannotCreate(path: "/nowhere/a.txt", code: ENOENT), "the directory is not there"),
    (FileError.cannotWrite(path: "a.txt", code: ENOSPC), "the disk is full, or fails"),
  ]

  private static let sound: [(any Error, String)] = [
    (SoundFileError.notFound(path: "in.wav"), "the name is misspelt, or the file was moved"),
    (SoundFileError.isDirectory(path: "sounds"), "a directory stands where a sound file is expected"),
    (SoundFileError.unreadable(path: "in.wav", errno: EACCES), "the file's permissions, mostly"),
    (
      SoundFileError.notASoundFile(path: "notes.wav", reason: "Format not recognised."),
      "the content is something else than the name says, or a format that libsndfile does not read"
    ),
    (
      SoundFileError.cannotStore(path: "-", errno: ENOSPC),
      "sound in a pipe whose form has to be read from its end too, and a full disk or more than 4 GB"
    ),
    (
      SoundFileError.noChannel(path: "in.wav", channel: 3, channels: 2),
      "--channel names more than the recording has"
    ),
    (SoundFileError.empty(path: "in.wav"), "the file has no bytes, or a header and no samples"),
    (
      SoundFileError.unsupportedChannels(path: "in.wav", channels: 0, limit: 1024),
      "the header is damaged, or was written by a program that never completed it"
    ),
    (
      SoundFileError.unsupportedRate(path: "in.wav", rate: 1, lowest: 4000, highest: 384_000),
      "the header is damaged, or the file does not hold sound"
    ),
    (
      SoundFileError.badArgument(path: "out.wav", name: "channels", expected: "1 or 2", found: "6"),
      "a program gave the library a value that is out of range"
    ),
    (
      SoundFileError.damaged(
        path: "in.flac", seconds: 12.34, reason: "Error : unknown error in flac decoder."),
      "the file was cut off or changed after it was written"
    ),
    (SoundFileError.outputExists(path: "out.wav"), "an output is never replaced unless that is asked for"),
    (SoundFileError.outputIsInput(path: "in.wav"), "the output would destroy the input while it is read"),
    (
      SoundFileError.unknownExtension(path: "out.xyz", known: SoundFileFormat.extensions),
      "the end of the name chooses the format"
    ),
    (
      SoundFileError.cannotCreate(path: "/nowhere/out.wav", errno: ENOENT),
      "the directory is not there, or may not be written"
    ),
    (
      SoundFileError.writeFailed(path: "out.wav", errno: ENOSPC, seconds: 3.2, bytes: 153_644),
      "the disk is full, mostly"
    ),
    (
      SoundFileError.writeFailed(path: "out.wav", errno: EDQUOT, seconds: 0, bytes: 0),
      "the same while a file was to be replaced with --overwrite"
    ),
    (
      SoundFileError.writeFailed(path: "-", errno: EPIPE, seconds: 3.2, bytes: 153_600),
      "head, or a player that was closed"
    ),
  ]

  private static let tokenizer: [(any Error, String)] = [
    (TextTokenizerError.notFound(path: "tokenizer.model"), "the tokenizer was not copied with the model"),
    (TextTokenizerError.isDirectory(path: "models"), "a directory stands where the tokenizer is expected"),
    (TextTokenizerError.unreadable(path: "tokenizer.model", errno: EACCES), "the file's permissions, mostly"),
    (
      TextTokenizerError.notATokenizer(path: "tokenizer.model", reason: "it cannot be parsed"),
      "another file under the tokenizer's name"
    ),
    (
      TextTokenizerError.wrongVocabulary(path: "tokenizer.model", expected: 32000, found: 8000),
      "the tokenizer of another model"
    ),
  ]

  private static let dialogue: [(any Error, String)] = [
    (
      DialogueError.badArgument(name: "threads", expected: "a number from 1 to 1024", found: "0"),
      "a program gave the library a value that is out of range"
    ),
    (
      DialogueError.unknownCondition(name: "tempo", known: ["description"]),
      "the name is misspelt, or of another model"
    ),
    (
      DialogueError.unknownValue(condition: "description", value: "loud", known: ["very_bad", "very_good"]),
      "the value is misspelt, or of another model"
    ),
    (
      DialogueError.wrongCount(name: "user", expected: 16, found: 8),
      "codes of another model, or of fewer frames than their text"
    ),
    (DialogueError.anotherModel, "a program mixed the conversations of two models"),
    (DialogueError.batchIsFull(capacity: 8), "more people want to talk than the batch was made for"),
    (DialogueError.emptySlot(slot: 3), "a program released a conversation twice"),
    (DialogueError.noDrafter(model: "models/x"), "a model without a drafter is to run ahead of its backbone"),
    (
      DialogueError.tooFewModules(needed: 3, present: 2),
      "more columns are to be drafted than the drafter can"
    ),
    (DialogueError.noDelay, "frames are to be early, and the model's delays are all 0"),
  ]

  private static let latency: [(any Error, String)] = [
    (
      LatencyReportError.missing(path: "run1/frames.csv"),
      "the directory holds no logs, or the run was cut short"
    ),
    (LatencyReportError.unreadable(path: "run1/frames.csv", code: EACCES), "the file's permissions, mostly"),
    (LatencyReportError.exists(path: "run1/frames.csv"), "logs are never replaced unless that is asked for"),
    (
      LatencyReportError.unwritable(path: "run1/frames.csv", code: ENOSPC),
      "the disk is full, or the directory may not be written"
    ),
    (
      LatencyReportError.badHeader(
        path: "run1/frames.csv", line: 6, column: 7, expected: "t_enc0_us", found: "t_enc_us"),
      "a log of another version, or an edited one"
    ),
    (
      LatencyReportError.badWidth(path: "run1/frames.csv", line: 12, expected: 49, found: 20),
      "the process was killed in the middle of a line, or the log was edited"
    ),
    (
      LatencyReportError.badField(path: "run1/frames.csv", line: 12, column: "frame", found: "many"),
      "the log was edited"
    ),
    (LatencyReportError.badSummary(path: "run1/latency.json"), "the file was cut or edited"),
    (
      LatencyReportError.mismatch(
        directory: "run1",
        [LatencyMismatch(place: "latency.json: frames.misses", expected: "1.0", found: "0.0")]),
      "a value was changed after the run, or files of two runs were mixed"
    ),
  ]

  private static let command: [(any Error, String)] = [
    (CommandError.interrupted(signal: SIGINT, path: "out.wav", seconds: 7.04), "Ctrl-C"),
    (CommandError.interrupted(signal: SIGTERM, path: "-", seconds: 2), "another program ended this one"),
    (CommandError.outputExists(path: "speech.codes"), "an output is never replaced unless that is asked for"),
    (CommandError.standardOutput(code: ENOSPC), "text was sent to a file on a full disk"),
    (CommandError.noDefaultModel, "the program was copied without the directory Assets"),
    (
      CommandError.tooManyCodebooks(path: "speech.codes", found: 32, available: 8),
      "another codec made the codes"
    ),
    (
      CommandError.codeOutOfRange(path: "speech.codes", frame: 4, codebook: 1, found: 2048, cardinality: 32),
      "another codec made the codes, or the file is damaged"
    ),
    (
      CommandError.anotherCodec(
        path: "speech.codes", codec: "mimi.safetensors", expected: String(repeating: "ab", count: 32),
        found: String(repeating: "cd", count: 32)),
      "another codec made the codes"
    ),
    (
      CommandError.noInstructionSet("avx512", available: ["plain", "avx2"]),
      "a processor of another kind, or a misspelt name"
    ),
    (
      CommandError.conversionStopped(signal: SIGINT, path: "q4", done: 1_200_000_000, total: 4_800_000_000),
      "Ctrl-C while a model was packed"
    ),
    (CommandError.outputIsModel(path: "models/moshika"), "convert was given the same directory twice"),
    (
      CommandError.differentStreams(first: "models/moshika", second: "models/stt"),
      "two models of different kinds were compared"
    ),
    (CommandError.nothingToCompare(path: "in.wav"), "an empty recording"),
    (
      CommandError.wrongPrediction(model: "model.safetensors", predicted: 40.2, measured: 64.8),
      "another program kept the machine busy, mostly"
    ),
    (CommandError.noChirp(sent: 20), "the microphone does not hear the loudspeaker"),
  ]

  private static let device: [(any Error, String)] = [
    (
      AudioDeviceError.noDevice(.capture, because: .noCard),
      "a machine without a sound card, or a container that was given none"
    ),
    (
      AudioDeviceError.noDevice(.capture, because: .noPermission(path: "/dev/snd/pcmC0D0c", group: "audio")),
      "the user is not in the group that may use sound cards"
    ),
    (
      AudioDeviceError.noDevice(.playback, because: .noneInDirection),
      "a card that only records or only plays, or one that another program holds"
    ),
    (
      AudioDeviceError.notFound(name: "yeti", .capture, known: ["default", "hw:CARD=PCH,DEV=0"]),
      "the name is misspelt, or the device was unplugged"
    ),
    (
      AudioDeviceError.ambiguous(
        name: "usb", .capture, matches: ["hw:CARD=Yeti,DEV=0", "hw:CARD=Cam,DEV=0"]),
      "a part of a name that more than one device has"
    ),
    (
      AudioDeviceError.cannotOpen(name: "hw:CARD=PCH,DEV=0", .playback, errno: EBUSY),
      "another program has the device to itself"
    ),
    (
      AudioDeviceError.cannotOpen(name: "hw:CARD=PCH,DEV=0", .capture, errno: EACCES),
      "the user is not in the group that may use sound cards"
    ),
    (
      AudioDeviceError.serverSilent(name: "default", .playback, server: .pulseAudio(address: nil)),
      "the sound server is not running, or not for this user"
    ),
    (
      AudioDeviceError.serverSilent(
        name: "default", .playback, server: .pulseAudio(address: "unix:/tmp/pulse")),
      "the variable names a server that is not running"
    ),
    (
      AudioDeviceError.serverSilent(name: "default", .capture, server: .pipeWire),
      "PipeWire is not running, or not for this user"
    ),
    (
      AudioDeviceError.pluginMissing(name: "default", .playback),
      "ALSA is set up for a sound server, and the library that leads there is not installed"
    ),
    (
      AudioDeviceError.noClock(name: "null", .playback),
      "ALSA's device `null`, or a broken plugin"
    ),
    (
      AudioDeviceError.givesNothing(name: "hw:CARD=Yeti,DEV=0", .capture),
      "a device half unplugged, or a sound server that died"
    ),
    (
      AudioDeviceError.noAnswer(name: "hw:CARD=Yeti,DEV=0", .capture),
      "a driver or a sound server that hangs"
    ),
    (
      AudioDeviceError.cannotOpen(name: "default", .playback, errno: ENODEV), "the device was unplugged"
    ),
    (
      AudioDeviceError.unsupported(name: "hw:CARD=PCH,DEV=0", .capture, setting: .format),
      "a device that only offers what cannot be converted"
    ),
  ]
}
