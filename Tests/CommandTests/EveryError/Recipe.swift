import Foundation
import TestSupport
import Testing

/// How one error of docs/Errors.md is brought about by a person at the command line.
struct Recipe: Sendable, CustomTestStringConvertible {
  /// The sentence of the row, as docs/Errors.md has it. What the program says may differ in names and numbers.
  let sentence: String
  /// A script for bash in an empty directory; its last command is the program. `tools` says what it can use.
  let script: String

  init(_ sentence: String, _ script: String) {
    self.sentence = sentence
    self.script = script
  }

  var testDescription: String { sentence }

  /// Runs the script.
  func run() throws -> Program.Result {
    let directory = try TemporaryDirectory()
    let full = "</usr/share/alsa/alsa.conf>\n"
    for (name, text) in [
      ("none.conf", "# no devices\n"), ("usual.conf", full), ("cards.conf", full + Self.cards),
    ] {
      try text.write(toFile: directory.file(name), atomically: true, encoding: .utf8)
    }
    return try Program.shell(
      Self.tools + script, directory: directory,
      [
        "faults": try Faults.library.get(), "CARD": try Faults.card.get(),
        "golden": Golden.root + "/Assets/golden",
        "alsa": directory.path, "LC_ALL": "C", "ALSA_CONFIG_PATH": directory.file("usual.conf"),
        "PULSE_SERVER": "",
      ])
  }

  /// Devices with names that are listed, and the card of `Faults.card`.
  private static let cards = """
    pcm_type.clocked { lib { @func getenv vars [ CARD ] default "" } }
    pcm.usb-yeti { type null hint { show on description "USB microphone" } }
    pcm.usb-cam { type null hint { show on description "USB camera" } }
    pcm.clocked { type clocked }
    pcm.telephone { type mulaw slave { pcm null format S16_LE } }
    pcm.lost { type there-is-no-such-plugin }

    """

  /// Functions of the scripts. `$model`, `$codec` and `$golden` are the tiny models.
  private static let tools = #"""
    # An error number of the system by its name: EACCES and the like.
    EPERM=1 EIO=5 EACCES=13 EBUSY=16 ENODEV=19 ENOSPC=28 ECONNREFUSED=111 EHOSTDOWN=112 EDQUOT=122
    # failing CALL NAME CODE COMMAND ...: the call fails on files with this in their names.
    failing() { FAULT_CALL=$1 FAULT_NAME=$2 FAULT_CODE=$3 LD_PRELOAD=$faults "${@:4}"; }
    # u16, u32, u64, f32 as bytes; text with its length, as GGUF has it.
    u16() { local n hex; for n; do printf -v hex '\\x%02x\\x%02x' $((n & 255)) $((n >> 8 & 255)); printf "$hex"; done; }
    u32() { local n; for n; do u16 $((n & 65535)) $((n >> 16 & 65535)); done; }
    u64() { local n; for n; do u32 $((n & 4294967295)) $((n >> 32)); done; }
    text() { local t; for t; do u64 ${#t}; printf %s "$t"; done; }
    # wav CHANNELS RATE FRAMES: silence in 16 bits.
    wav() {
      local bytes=$(($1 * $3 * 2))
      printf RIFF; u32 $((36 + bytes)); printf 'WAVEfmt '; u32 16; u16 1 $1; u32 $2 $(($1 * $2 * 2)); u16 $(($1 * 2)) 16
      printf data; u32 $bytes; head -c $bytes /dev/zero
    }
    # tensors HEADER [BYTES]: a safetensors file; the tensors are zeros.
    tensors() { u64 ${#1}; printf %s "$1"; head -c ${2:-0} /dev/zero; }
    # codes CODEBOOKS FRAMES [METADATA]: a codes file of zeros.
    codes() {
      local bytes=$(($1 * $2 * 4))
      tensors "{\"codes\":{\"dtype\":\"I32\",\"shape\":[$1,$2],\"data_offsets\":[0,$bytes]}$3}" $bytes
    }
    # index JSON: the index of a model in shards, with two empty shards.
    index() {
      printf %s "$1" >model.safetensors.index.json
      for shard in model-00001-of-00004 model-00002-of-00004; do tensors '{}' >$shard.safetensors; done
    }
    # edit FILE EXPRESSION: replaces bytes.
    edit() { LC_ALL=C sed -i -e "$2" "$1"; }
    # has FILE BYTES: waits until a file has so many.
    has() {
      local n=0
      until [ "$(stat -c %s "$1" 2>/dev/null || echo 0)" -ge $2 ] || [ $((n += 1)) -gt 1000 ]; do sleep 0.01; done
    }
    respond() { $antiphon respond in.wav "$@" --model $model; }
    encode() { $antiphon encode in.wav "$@" --codec $codec; }
    wav 1 24000 9600 >in.wav

    """#
}

extension String {
  /// The sentence without what is an example in it: names in quotes, numbers, units.
  var pattern: String {
    replacing(/'[^']*'/, with: "''").replacing(/\[(any|[0-9]+)(, (any|[0-9]+))*\]/, with: "[#]")
      .replacing(/[0-9a-f]{12}\b/, with: "#").replacing(/-?[0-9]+(\.[0-9]+)?( (bytes|kB|MB|GB))?/, with: "#")
  }

  /// The beginning of a remedy, which has no names in it yet.
  var beginning: String { String(prefix { !":,'0123456789".contains($0) }) }
}
