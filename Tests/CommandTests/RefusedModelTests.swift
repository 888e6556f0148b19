import Foundation
import TestSupport
import Testing

/// Models and codecs of kinds that there is no code for: a sentence, not a wrong answer.
@Suite struct RefusedModelTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    try FileManager.default.copyItem(atPath: Golden.path("tiny-model"), toPath: directory.file("m"))
  }

  private func shell(_ command: String) throws -> Program.Result {
    try Program.shell(command, directory: directory)
  }

  @Test(
    "published families that are not supported are refused by every verb, with the field that says so",
    arguments: [
      // PersonaPlex names itself.
      (#"s/"moshi"/"personaplex"/"#, "model_type 'personaplex'"),
      // The text-to-speech models attend to a speaker and write a second stream of text.
      (#"s/"moshi"/"tts"/; s/"cross_attention": false/"cross_attention": true/"#, "cross_attention 'true'"),
      (
        #"s/"moshi"/"tts"/; s/"causal": true/"causal": true, "demux_second_stream": true/"#,
        "demux_second_stream 'true'"
      ),
    ])
  func family(edit: String, field: String) throws {
    let output = try shell("LC_ALL=C sed -i '\(edit)' m/config.json; wc -c m/config.json")
    #expect(output.code == 0)
    for verb in [
      "inspect m", "respond in.wav a.wav --model m", "convert m q --bits 8", "compare m m in.wav",
      "talk --model m",
      "bench step --model m", "doctor --check --model m",
    ] {
      let result = try shell("$antiphon \(verb)")
      #expect(
        result.code == 65
          && result.sentence == "'m/config.json' asks for \(field), which this version does not support.",
        "\(verb): \(result.errors)")
      #expect(result.errors.contains("docs/Checkpoints.md lists what can be read."))
    }
  }

  @Test("a codec of another rate is refused by talk before a device is opened, and by a model's verbs")
  func rate() throws {
    let edited = try shell(
      #"LC_ALL=C sed -i 's/\\"sample_rate\\": 24000/\\"sample_rate\\": 48000/' m/codec.safetensors; $antiphon inspect m/codec.safetensors"#
    )
    #expect(
      edited.code == 0 && edited.text.contains("48000 Hz, 25.0 frames per second"),
      "\(edited.text)\(edited.errors)")
    let rate = "'sample_rate': 24000 is expected, and it is 48000."
    let frames = "'frames per second': 12.5 is expected, and it is 25.0."
    for (verb, fault) in [
      ("talk --mirror --codec m/codec.safetensors", rate), ("talk --mirror --model m", rate),
      ("talk --model m", frames), ("respond in.wav a.wav --model m", frames),
    ] {
      let result = try shell("$antiphon \(verb)")
      #expect(
        result.code == 65 && result.sentence == "'m/codec.safetensors', field \(fault)", "\(result.errors)")
    }
  }

  @Test("a codec whose header has another frame than its layers make is refused")
  func frame() throws {
    let result = try shell(
      #"""
      LC_ALL=C sed -i 's/\\"samples_per_frame\\": 1920/\\"samples_per_frame\\": 3840/' m/codec.safetensors
      $antiphon talk --mirror --codec m/codec.safetensors
      """#)
    #expect(
      result.code == 65 && result.sentence.hasPrefix("'m/codec.safetensors', tensor 'downsample"),
      "\(result.errors)")
  }
}
