"""Judges a drafter in closed loop on held voices and wordings, in PyTorch.

    python -m tools.train.judge.drafter_torch [DRAFTER.safetensors] [--policies base,early,late25,lazy2] [--count 80]

The questions are those of `dialogue.rollouts held`. One line for each policy (`dialogue.policies`): answers that are
right in text, and in what Whisper-base reads in their sound; words of the assistant's own text that Whisper misreads;
answers whose text is that of the model alone; and of the steps in which it speaks, the share whose column is a draft.
OUT/judged.jsonl gets each answer as it was written and as it was read.
"""

import argparse
import json
from pathlib import Path

import jiwer
import numpy as np
import torch
from torch import Tensor

from tools.common.sizes import RATE
from tools.train.codec.model import Codec
from tools.train.dialogue import rollouts
from tools.train.dialogue.drafter import read
from tools.train.dialogue.model import PADDING, WORD
from tools.train.dialogue.policies import Policy, talk
from tools.train.dialogue.words import load_pieces
from tools.train.judge.answers import agrees, compared
from tools.train.judge.recognisers import Whisper


def sounds(codec: Codec, frames: Tensor, at_once: int = 16) -> np.ndarray:
    """Codes [count, frames, codebooks] -> samples."""
    parts = [codec.decode(frames[first : first + at_once]).numpy() for first in range(0, len(frames), at_once)]
    return np.concatenate(parts)


def spoken(silence: Tensor, frames: Tensor) -> Tensor:
    """In which frames something is said."""
    return (frames[..., 1:] != silence[1:]).any(-1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("drafter", nargs="?", type=Path)
    parser.add_argument("--policies", default="base,early,late25,lazy2")
    parser.add_argument("--count", type=int, default=80)
    parser.add_argument("--window", type=int, default=32)
    parser.add_argument("--model", type=Path, default=rollouts.MODEL, help="directory")
    parser.add_argument("--out", type=Path, default=rollouts.FOLDER)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    frozen, codec = rollouts.load(arguments.model)
    drafter = read(arguments.drafter, frozen, arguments.window) if arguments.drafter else None
    silence = rollouts.own_silence(frozen, rollouts.user_silence(arguments.model))
    rows = json.loads((rollouts.FOLDER / "held.json").read_text())[: arguments.count]
    user = torch.from_numpy(np.load(rollouts.FOLDER / "held-user.npy").astype(np.int64))[: arguments.count]
    with np.load(rollouts.FOLDER / "held-000.npz") as arrays:
        alone = arrays["text"][: arguments.count].tolist()
    pieces, whisper = load_pieces(), Whisper(1)

    def written(line: list[int]) -> str:
        return str(pieces.decode([token for token in line if token not in (PADDING, WORD)]))

    print("| policy | right in text | right in sound | misread | same text | drafted |", flush=True)
    for policy in arguments.policies.split(","):
        said = talk(frozen, user, silence, drafter, Policy.parsed(policy))
        texts = [written(line) for line in said["text"].tolist()]
        heard = []
        for sound in sounds(codec, said["frames"]):
            last = int(np.flatnonzero(np.abs(sound) > 1e-3)[-1]) + 1 if np.abs(sound).max() > 1e-3 else RATE
            heard.append(" ".join(whisper.read(np.pad(sound[:last], (RATE // 3, RATE // 3)), "en")))
        pairs = [
            pair
            for row, text, one in zip(rows, texts, heard)
            if text.strip()
            for pair in compared(text, one, row["skill"])
        ]
        speaks = spoken(silence, said["frames"])
        result = dict(
            drafter=str(arguments.drafter),
            policy=policy,
            text=100 * float(np.mean([agrees(text, row) for text, row in zip(texts, rows)])),
            sound=100 * float(np.mean([agrees(one, row) for one, row in zip(heard, rows)])),
            misread=100 * jiwer.wer(*map(list, zip(*pairs))),
            same=sum(text == written(line) for text, line in zip(texts, alone)),
            drafted=100 * float(said["drafted"][:, 1:][speaks].float().mean()),
        )
        print(
            "| {policy} | {text:.1f} | {sound:.1f} | {misread:.1f} | {same} of {count} | {drafted:.0f} % |".format(
                count=len(rows), **result
            ),
            flush=True,
        )
        with open(arguments.out / "judged.jsonl", "a") as file:
            answers = [[row["answer"], text, one] for row, text, one in zip(rows, texts, heard)]
            file.write(json.dumps(result | {"rows": answers}) + "\n")


if __name__ == "__main__":
    main()
