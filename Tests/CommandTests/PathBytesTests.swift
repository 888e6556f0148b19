import Foundation
import TestSupport
import Testing

/// Files whose names are not UTF-8, as they come from old disks and archives.
@Suite struct PathBytesTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try Program.directoryWithSound() }

  private func shell(_ command: String) throws -> Program.Result {
    try Program.shell(command, directory: directory)
  }

  @Test("a recording is read by such a name, whether libsndfile opens it or this program")
  func input() throws {
    let result = try shell(
      #"""
      mv in.wav $'name-\xff.wav' && cp $'name-\xff.wav' plain.wav
      $antiphon encode plain.wav plain.codes --codec $codec && $antiphon encode $'name-\xff.wav' a.codes --codec $codec &&
      cmp a.codes plain.codes && (cat plain.wav plain.wav) >$'\xe4\xf6.wav' &&
      $antiphon encode $'\xe4\xf6.wav' b.codes --codec $codec
      """#)
    #expect(result.code == 0 && result.errors == "", "\(result.errors)")
  }

  @Test("encode, decode and respond write to such a name, and replace it")
  func output() throws {
    let result = try shell(
      #"""
      for again in '' --overwrite; do
        $antiphon encode in.wav $'\xff.codes' --codec $codec $again && $antiphon decode $'\xff.codes' $'\xff.wav' --codec $codec $again &&
        $antiphon respond in.wav $'r\xff.flac' --model $model --text $'t\xff.txt' $again || exit
      done
      ls | od -An -c | tr -d ' \n'
      """#)
    #expect(result.code == 0 && result.errors == "", "\(result.errors)")
    #expect(result.text == #"in.wav\nr377.flac\nt377.txt\n377.codes\n377.wav\n"#)
  }

  @Test("a model is opened, inspected and converted in a directory of such a name")
  func model() throws {
    let result = try shell(
      #"""
      cp -r $model $'m\xff' && $antiphon respond in.wav a.wav --model $'m\xff' --greedy >one &&
      $antiphon respond in.wav b.wav --model $model --greedy >two && cmp a.wav b.wav && cmp one two &&
      $antiphon convert $'m\xff' $'q\xff' --bits 8 && $antiphon inspect $'q\xff' && $antiphon inspect $'m\xff' --json &&
      $antiphon doctor --model $'m\xff' && $antiphon encode in.wav a.codes --model $'m\xff'
      """#)
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.text.contains(#"q\xff/model.safetensors: "#))
    #expect(result.text.contains(#"m\\xff/"#), "JSON has the backslash escaped")
  }

  @Test("logs are written to a directory of such a name, and report reads them")
  func log() throws {
    let result = try shell(
      #"""
      cp -r $model $'m\xff' && $antiphon respond in.wav a.wav --model $'m\xff' --latency $'run\xff' && $antiphon report $'run\xff' &&
      ls $'run\xff'
      """#)
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.text.contains(#"the picture is run\xff/latency.svg."#))
    #expect(result.text.contains("frames.csv\nlatency.json\nlatency.svg\nturns.csv\n"))
  }

  @Test("a model in shards is opened where other files have such names, and where it has one itself")
  func shards() throws {
    let result = try shell(
      #"""
      cp -r $model $'m\xff' && cd $'m\xff' && touch $'\xff' $'model-\xff.safetensors' && mv model.safetensors one.safetensors &&
      names=$(head -c 20000 one.safetensors | tr '{' '\n' | grep -ao '"[a-z][a-z0-9_.]*":$' | tr -d ':' | sort -u) &&
      (printf '{"weight_map":{'; for name in $names; do printf '%s%s:"one.safetensors"' "$comma" $name; comma=,; done; printf '}}') \
        >model.safetensors.index.json && cd .. && $antiphon inspect $'m\xff' && $antiphon respond in.wav a.wav --model $'m\xff'
      """#)
    #expect(result.code == 0, "\(result.errors)")
  }

  @Test("messages show the bytes, and what they advise can be pasted")
  func messages() throws {
    let missing = try shell(#"$antiphon encode $'no-\xff.wav' a.codes --codec $codec"#)
    #expect(missing.code == 66 && missing.sentence == #"There is no file 'no-\xff.wav'."#)
    let text = try shell(
      #"echo Dear diary >$'\xc3.wav'; $antiphon encode $'\xc3.wav' a.codes --codec $codec"#)
    #expect(text.code == 65 && text.sentence.hasPrefix(#"'\xc3.wav' is not a sound file"#))
    let advised = try #require(text.errors.split(separator: "ffmpeg -i ").last).dropLast(" sound.wav\n".count)
    #expect(advised == #"$'\xc3.wav'"#)
    #expect(try shell("cat \(advised)").text == "Dear diary\n")
    let parser = try shell(#"$antiphon inspect $model $'\xff'"#)
    #expect(parser.code == 64, "\(parser.errors)")
    #expect(parser.errors.hasPrefix(#"Error: Unexpected argument '\xff'"#), "\(parser.errors)")
    let codes = try shell(
      #"touch $'\xff.codes'; $antiphon encode in.wav $'\xff.codes' --codec $codec"#)
    #expect(codes.code == 73 && codes.sentence == #"'\xff.codes' is there already."#)
  }

  @Test("names with any characters of UTF-8 work as before, even those that stand for bytes here")
  func privateCharacters() throws {
    let result = try shell(
      #"""
      for name in $'\xf4\x8f\xbb\xbf' $'\xf4\x8f\xbf\xbf' $'\xf4\x8f\xba\x80\xff' 'Grüße' $'\xcc\x81' '日本語'; do
        mkdir "d$name" && cp in.wav "d$name/$name.wav" && $antiphon encode "d$name/$name.wav" "d$name/$name.codes" --codec $codec &&
        $antiphon encode "d$name/$name.wav" "d$name/$name.codes" --codec $codec --overwrite &&
        test -s "d$name/$name.codes" && test $(ls "d$name" | wc -l) = 2 && cd "d$name" &&
        $antiphon decode "$name.codes" "$name.ogg" --codec $codec && cd .. || exit
      done
      """#)
    #expect(result.code == 0 && result.errors == "", "\(result.errors)")
    let named = try shell("$antiphon encode '日本語.wav' a --codec $codec")
    #expect(named.sentence == "There is no file '日本語.wav'.")
  }
}
