extension Recipe {
  static let files = [
    Recipe(
      "'evening/said.codes' is there already.",
      """
      mkdir evening; echo >evening/said.codes
      ALSA_CONFIG_PATH=$alsa/cards.conf $antiphon talk --mirror --codec $codec --input clocked --output clocked --record evening
      """),
    Recipe(
      "'/nowhere/a.txt' cannot be written: No such file or directory.", "respond a.wav --text /nowhere/a.txt"),
    Recipe(
      "'a.txt' cannot be written: No space left on device.",
      "failing write a.txt $ENOSPC $antiphon respond in.wav a.wav --text a.txt --model $model"),
  ]

  static let sound = [
    Recipe("There is no file 'in.wav'.", "rm in.wav; encode a.codes"),
    Recipe(
      "'sounds' is a directory, not a sound file.",
      "mkdir sounds; $antiphon encode sounds a.codes --codec $codec"),
    Recipe(
      "'in.wav' cannot be read: Permission denied.",
      "failing open in.wav $EACCES $antiphon encode in.wav a --codec $codec"),
    Recipe(
      "'notes.wav' is not a sound file that can be read: format not recognised.",
      "echo Dear diary >notes.wav; $antiphon encode notes.wav a.codes --codec $codec"),
    Recipe(
      "standard input cannot be stored until it ends, which its format requires: No space left on device.",
      """
      mkdir store; respond two.opus; cat two.opus | TMPDIR=store failing write store/ $ENOSPC $antiphon encode - a --codec $codec
      """),
    Recipe(
      "'in.wav' has 2 channels, and channel 3 was asked for.",
      "wav 2 24000 9600 >in.wav; encode a.codes --channel 3"),
    Recipe("'in.wav' holds no sound.", "wav 1 24000 0 >in.wav; encode a.codes"),
    Recipe(
      "'in.wav' says that it has 0 channels; 1 to 1024 can be read.",
      "wav 0 24000 9600 >in.wav; encode a.codes"),
    Recipe(
      "'in.wav' says that it has 1 samples per second; 4000 to 384000 can be read.",
      "wav 1 1 9600 >in.wav; encode a.codes"),
    Recipe(
      "'in.flac' is damaged after 12.3 s: unknown error in flac decoder.",
      """
      respond in.flac; size=$(stat -c %s in.flac)
      head -c 4000 /dev/zero | tr '\\0' U | dd of=in.flac bs=1 seek=$((size / 2)) conv=notrunc status=none
      $antiphon encode in.flac a.codes --codec $codec
      """),
    Recipe(
      "'out.wav' is there already.",
      "codes 1 1 >a.codes; echo >out.wav; $antiphon decode a.codes out.wav --codec $codec"),
    Recipe("'in.wav' is an input or another output of the same command.", "respond in.wav --overwrite"),
    Recipe(
      "The name 'out.xyz' does not end in a known sound format.", "respond out.xyz"),
    Recipe("'/nowhere/out.wav' cannot be made: No such file or directory.", "respond /nowhere/out.wav"),
    Recipe(
      "Writing 'out.wav' stopped: No space left on device.",
      "FAULT_AFTER=20 failing write out.wav $ENOSPC $antiphon respond in.wav out.wav --model $model"),
    Recipe(
      "Writing 'out.wav' stopped: Disk quota exceeded.",
      "echo >out.wav; FAULT_AFTER=20 failing write out.wav $EDQUOT $antiphon respond in.wav out.wav --overwrite --model $model"
    ),
    Recipe(
      "The reader of standard output went away after 3.2 s of sound.",
      "respond - | head -c 9600 >said; exit ${PIPESTATUS[0]}"),
  ]

  static let tokenizer = [
    Recipe("There is no file 'tokenizer.model'.", "cp -r $model m; rm m/tokenizer.model; \(answer)"),
    Recipe(
      "'models' is a directory, not a tokenizer.",
      "cp -r $model m; mkdir m/models; edit m/config.json 's/tokenizer.model/models/'; \(answer)"),
    Recipe(
      "'tokenizer.model' cannot be read: Permission denied.",
      "failing open tokenizer.model $EACCES $antiphon respond in.wav a.wav --model $model"),
    Recipe(
      "'tokenizer.model' is not a SentencePiece model: it cannot be parsed.",
      "cp -r $model m; echo Dear diary >m/tokenizer.model; \(answer)"),
    Recipe(
      "'tokenizer.model' has 8000 tokens, and the model has 32000.",
      // One more piece, 'zz', with a score of 0.
      "cp -r $model m; printf '\\n\\t\\n\\2zz\\25\\0\\0\\0\\0' >>m/tokenizer.model; \(answer)"),
  ]

  static let answer = "$antiphon respond in.wav a.wav --model m"
}
