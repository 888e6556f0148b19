"""Judges a codec on held-out speech, in PyTorch: to choose by. codec_program.py judges what the runtime makes.

    python -m tools.train.judge.codec_torch CODEC.safetensors [--count 20] [--save DIR] [--codebooks N] [--ears]

Prints one row per group: WER of the original and of the decoded sound by Whisper-base (against the text where it is
known, else against what Whisper reads in the original), STOI, PESQ-wb, log-mel distance; then the use of the
codebooks. `--ears`: how many codes of 60 held questions, heard through a microphone as in the dialogue's test, are
those of the clean sound.
"""

import argparse
import json
import pathlib
import warnings
from typing import Any

import numpy as np
import soundfile
import torch
from torch import Tensor

from tools.common.sizes import FRAME, RATE
from tools.train.codec import model
from tools.train.folders import ROOT
from tools.train.judge.recognisers import Whisper
from tools.train.judge.scores import Scores, held_out, use
from tools.train.sound import load


def through(codec: model.Codec, audio: np.ndarray, codebooks: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Encoded, decoded, and moved back by the codec's delay; and the codes."""
    frames = -(-(len(audio) + codec.c.delay) // FRAME)
    x = torch.zeros(1, frames * FRAME)
    x[0, : len(audio)] = torch.from_numpy(audio)
    codes = codec.encode(x)
    y = codec.decode(codes[..., :codebooks])[0].numpy()
    return y[codec.c.delay :][: len(audio)], codes[0].numpy()


def ears(codec: model.Codec) -> dict[str, Any]:
    """The share of equal codes of each codebook, clean and through a microphone: a row to print."""
    from tools.train.data.question_clips import held
    from tools.train.judge.microphone import through_microphone
    from tools.train.sound import frames_of

    def codes(sound: np.ndarray) -> Tensor:
        return codec.encode(torch.from_numpy(sound)[None])[0]

    sounds = [frames_of(audio) for _, audio in held(60)]
    same = [codes(clean) == codes(heard) for clean, heard in zip(sounds, through_microphone(sounds))]
    return dict(
        group="microphone",
        clips=len(same),
        same=[round(share, 3) for share in torch.cat(same).float().mean(0).tolist()],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("codec")
    parser.add_argument("--count", type=int, default=20, help="clips of each group")
    parser.add_argument("--codebooks", type=int)
    parser.add_argument("--save")
    parser.add_argument("--no-words", action="store_true", help="without Whisper")
    parser.add_argument(
        "--ears",
        action="store_true",
        help="only: are codes in a room, noise and the telephone's band those of the clean sound?",
    )
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(arguments.threads)
    codec = model.load(arguments.codec)
    if arguments.ears:
        return print(json.dumps(ears(codec)))
    judge = None if arguments.no_words else Whisper(arguments.threads)
    all_codes = []
    for group in ("assistant", "unseen", "recorded"):
        scores = Scores(group, judge, "it" if group == "recorded" else "en")
        for clip in held_out(group, arguments.count):
            x = load(ROOT / "held-out" / clip["file"])
            y, codes = through(codec, x, arguments.codebooks)
            all_codes.append(codes)
            if arguments.save:
                pathlib.Path(arguments.save).mkdir(parents=True, exist_ok=True)
                soundfile.write(
                    pathlib.Path(arguments.save) / f"{pathlib.Path(clip['file']).stem}.wav", y.clip(-1, 1), RATE
                )
            scores.add(clip["file"], clip["text"], x, y)
        print(json.dumps(scores.row()), flush=True)
    print(json.dumps(use(np.concatenate(all_codes), codec.c.cardinality)))


if __name__ == "__main__":
    main()
