extension Recipe {
  static let dialogue = [
    Recipe(
      "'threads' is 0, and it takes a number from 1 to 1024.",
      "$antiphon trace dialogue $model in.safetensors out.safetensors --threads 0"),
    Recipe("The model 'models/x' has no drafter, so it cannot run ahead.", "respond out.wav --early on"),
    Recipe(
      "3 columns would have to be drafted, and the model's drafter has 2 modules.",
      "\(ahead) $antiphon bench step --model m --frames-per-pass 4"),
    Recipe(
      "No row of this model is delayed, so no frame can be said sooner.",
      "\(ahead) edit m/config.json 's/^    1/    0/'; $antiphon bench step --model m --early on"),
  ]
  /// A model with a drafter of two modules.
  private static let ahead =
    "cp -r $golden/tiny-dialogue/moshi m; cp $golden/tiny-drafter/{config.json,drafter.safetensors} m;"

  private static let log = "respond a.wav --latency run1 >&2;"

  static let latency = [
    Recipe("There is no file 'run1/frames.csv'.", "mkdir run1; $antiphon report run1"),
    Recipe(
      "'run1/frames.csv' cannot be read: Permission denied.",
      "\(log) failing open frames.csv $EACCES $antiphon report run1"),
    Recipe("'run1/frames.csv' of an earlier run is there already.", "\(log) respond b.wav --latency run1"),
    Recipe(
      "'run1/frames.csv' cannot be written: No space left on device.",
      "failing write run1/frames.csv $ENOSPC $antiphon respond in.wav a.wav --latency run1 --model $model"),
    Recipe(
      "'run1/frames.csv', line 6: column 7 must be 't_enc0_us' and is 't_enc_us'.",
      "\(log) edit run1/frames.csv s/t_enc0_us/t_enc_us/; $antiphon report run1"),
    Recipe(
      "'run1/frames.csv', line 12: 49 fields are expected, and there are 20.",
      "\(log) edit run1/frames.csv '$s/,.*//'; $antiphon report run1"),
    Recipe(
      "'run1/frames.csv', line 12: 'many' is not a value of column 'frame'.",
      "\(log) edit run1/frames.csv '$s/,0,[0-9]*,/,0,many,/'; $antiphon report run1"),
    Recipe(
      "'run1/latency.json' is not a latency summary.",
      "\(log) echo Dear diary >run1/latency.json; $antiphon report run1"),
    Recipe(
      "1 value in 'run1' contradict the logs: latency.json: frames.misses is 0.0, the logs say 1.0.",
      "\(log) edit run1/latency.json 's/\"misses\" : [0-9]*/\"misses\" : 77/'; $antiphon report run1"),
  ]

  static let commands = [
    Recipe(
      "Stopped by a signal after 7.0 s of sound.",
      """
      mkfifo pipe; cat /dev/zero >pipe 2>broken & $antiphon respond - out.wav --model $model <pipe &
      has out.wav 50000; kill -INT $!; wait $!
      """),
    Recipe(
      "'speech.codes' is there already.", "echo >speech.codes; encode speech.codes"),
    Recipe(
      "Standard output cannot be written: No space left on device.", "$antiphon inspect $model >/dev/full"),
    Recipe(
      "'speech.codes' has 32 codebooks, and the codec has 8.",
      "codes 32 1 >speech.codes; $antiphon decode speech.codes a.wav --codec $codec"),
    Recipe(
      "'speech.codes', frame 4, codebook 1: the code 2048 is not below 32.",
      "codes 1 0 | sed 's/\\[1,0\\]/[1,1]/;s/0,0\\]/0,4]/' >speech.codes; u32 2048 >>speech.codes; $antiphon decode speech.codes a.wav --codec $codec"
    ),
    Recipe(
      "'speech.codes' was made by another codec than 'mimi.safetensors' (SHA-256 abababababab, not cdcdcdcdcdcd).",
      """
      encode speech.codes; $antiphon decode speech.codes a.wav --codec $golden/tiny-codec/model-renamed.safetensors
      """),
    Recipe(
      "ANTIPHON_ISA asks for 'avx512', which this machine does not have.",
      "ANTIPHON_ISA=mmx $antiphon inspect $model"),
    Recipe(
      "Stopped by a signal after 1.2 GB of 4.8 GB of 'q4'.",
      "failing interrupt q4/model.safetensors 0 $antiphon convert $model q4 --bits 8"),
    Recipe(
      "'models/moshika' is the directory of the model itself.",
      "cp -r $model m; $antiphon convert m m --bits 8"),
    Recipe(
      "'models/moshika' and 'models/stt' do not speak and hear the same streams.",
      "$antiphon compare $golden/tiny-dialogue/moshi $golden/tiny-dialogue/stt in.wav"),
    Recipe("'in.wav' has no whole frame.", "codes 8 0 >in.codes; $antiphon compare $model $model in.codes"),
    Recipe(
      "A step of 'model.safetensors' was predicted to take 40.2 ms and took 64.8.",
      "failing busy cpuinfo 0 $antiphon doctor --check --threads 1 --model $model"),
    Recipe(
      "None of 20 chirps came back through the microphone.",
      "ALSA_CONFIG_PATH=$alsa/cards.conf $antiphon latency --input clocked --output clocked --count 1"),
    Recipe(
      "Stopped by a signal after 2.0 s of sound.",
      """
      mkfifo pipe; cat /dev/zero >pipe 2>broken & $antiphon respond - - --model $model <pipe >said &
      has said 50000; kill -TERM $!; wait $!
      """),
    Recipe(
      "The models that ship with this program are not beside it.",
      "cp $antiphon .; ./antiphon encode in.wav a.codes"),
  ]
}
