import AudioIO
import Foundation
import TestSupport
import Testing

@testable import antiphon

/// How runs end: by a second signal, and before there was anything.
@Suite struct EndingTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// With `$card` for `--input` and `--output`: a sound card of `Faults.card`.
  private func shell(_ command: String) throws -> Program.Result {
    try """
    </usr/share/alsa/alsa.conf>
    pcm_type.clocked { lib "\(Faults.card.get())" }
    pcm.clocked { type clocked }

    """.write(toFile: directory.file("alsa.conf"), atomically: true, encoding: .utf8)
    return try Program.shell(
      command, directory: directory,
      ["ALSA_CONFIG_PATH": directory.file("alsa.conf"), "card": "--input clocked --output clocked"])
  }

  /// The orderly end waits without end for somebody who reads the rows of turns.
  @Test(
    "a second signal, of whatever kind, ends the orderly end at once",
    arguments: [("INT", "TERM", 143), ("TERM", "INT", 130), ("INT", "HUP", 129)])
  func second(first: String, second: String, code: Int32) throws {
    for run in [
      "cat /dev/zero | $antiphon respond - out.wav --model $model",
      "$antiphon talk --mirror --codec $codec $card",
    ] {
      let result = try shell(
        """
        rm -rf log; mkdir log; mkfifo log/turns.csv
        \(run) --latency log --overwrite >/dev/null 2>errors & program=$!
        n=0; until [ "$(stat -c %s log/frames.csv || echo 0)" -ge 2000 ] || [ $((n += 1)) -gt 1000 ]; do sleep 0.01; done
        kill -\(first) $program; sleep 0.5
        kill -0 $program || { echo it did not wait; cat errors; exit 1; }
        kill -\(second) $program; wait $program
        """)
      #expect(result.code == code, "\(run): \(result.text) \(result.errors)")
    }
  }

  @Test("a conversation that ends before its first frame leaves no recording, only its logs")
  func noFrames() throws {
    let result = try shell(
      "CARD_IS_DEAD=1 $antiphon talk --mirror --codec $codec $card --seconds 0 --record evening; code=$?; ls evening; exit $code"
    )
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.text == "frames.csv\nlatency.json\nlatency.svg\nturns.csv\n", "\(result.text)")
  }

  @Test("it leaves an earlier recording as it was, even with --overwrite")
  func earlierStays() throws {
    let result = try shell(
      """
      $antiphon talk --mirror --codec $codec $card --seconds 1 --record evening && mkdir old &&
      cp evening/*.codes evening/*.flac evening/*.jsonl old &&
      CARD_IS_DEAD=1 $antiphon talk --mirror --codec $codec $card --seconds 0 --record evening --overwrite &&
      for file in old/*; do cmp $file evening/${file#old/} || exit; done; ls evening
      """)
    #expect(result.code == 0, "\(result.errors)")
    #expect(
      result.text
        == "conversation.flac\nframes.csv\nheard.codes\nlatency.json\nlatency.svg\nsaid.codes\ntranscript.jsonl\nturns.csv\n",
      "\(result.text)")
    let recorded = try SoundFileReader.open(directory.file("evening/conversation.flac"))
    #expect(recorded.channels == 2 && recorded.duration ?? 0 > 0.2)
  }
}
