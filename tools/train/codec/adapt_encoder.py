"""Teaches the codec's encoder to hear through a telephone, a room and noise; what the codes mean stays as it is.

    python -m tools.train.codec.adapt_encoder CODEC.safetensors OUT.safetensors --minutes 15 [--workers 2] [--half]
        [--blocks 5 --middle 4]

`--blocks` (at 100 Hz) and `--middle` (at 25 Hz) deepen the encoder: the added blocks do nothing at first. `--teacher`
is the codec whose codes are to be kept, where CODEC is already an adapted one.

The teacher's encoder gives the target: for a clean sound its own latents, for the same sound on the telephone those
of the clean one, and in a room or noise the clean meaning (codebook 0) with the acoustic latents as they were.
Quantizer and decoder are not touched, so codes made before, and models trained on them, stay valid.
"""

import argparse
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tools.common.sizes import FRAME
from tools.train import workers
from tools.train.codec import model, refining
from tools.train.codec.quantizer import SplitQuantizer
from tools.train.data.crops import Crops
from tools.train.data.surroundings import band_limit, noisy, room, telephone
from tools.train.folders import QUESTIONS
from tools.train.workers import Meeting


class Sounds:
    """Pairs of a clean sound and how a microphone gives it, [samples] each."""

    def __init__(self, frames: int, as_they_are: float) -> None:
        self.corpus, self.frames, self.as_they_are = Crops(frames), frames, as_they_are
        self.questions = [
            np.memmap(path, np.int16, "r") for path in sorted(QUESTIONS.glob("*.raw")) if path.stem != "choose"
        ]

    def clean(self, chance: np.random.Generator) -> np.ndarray:
        """A clean sound: a crop of the corpus, or of somebody's questions."""
        if chance.random() < 0.4:
            return self.corpus.crop(chance)[0]
        clips, count = self.questions[int(chance.integers(len(self.questions)))], self.frames * FRAME
        first = int(chance.integers(len(clips) - count))
        audio = clips[first : first + count].astype(np.float32) / 32768
        # A silence before or after, as between questions.
        edge = int(chance.integers(count // 2))
        if chance.random() < 0.5:
            audio[:edge] = 0
        return audio * 10 ** (chance.uniform(-12, 5) / 20)

    def pair(self, chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray, bool]:
        """Clean sound, what is heard of it, and whether its acoustic latents too shall be those of the clean sound."""
        clean = np.clip(self.clean(chance), -1, 1).astype(np.float32)
        heard = clean
        if chance.random() < self.as_they_are:
            return clean, heard, True
        line = chance.random() < 0.62
        if chance.random() < 0.6:
            heard = room(chance, heard)
        if chance.random() < 0.8:
            heard = noisy(chance, heard, chance.uniform(8, 35))
        if line:
            heard = telephone(chance, heard)
        elif chance.random() < 0.3:
            heard = band_limit(chance, heard)
        return clean, np.clip(heard, -1, 1).astype(np.float32), line

    def batch(self, size: int, seed: Sequence[int]) -> tuple[np.ndarray, ...]:
        """So many pairs, each part stacked; `seed` decides everything."""
        chance = np.random.default_rng(seed)
        return tuple(np.stack(part) for part in zip(*(self.pair(chance) for _ in range(size))))


def ears(codec: model.Codec) -> nn.ModuleList:
    """The part of a codec that is taught."""
    return nn.ModuleList([codec.encoder, codec.encoder_transformer])


def distances(quantizer: SplitQuantizer, latent: Tensor) -> tuple[Tensor, Tensor]:
    """What the quantizer sees: [batch, frames, 32] for codebook 0 and for the others."""
    return quantizer.rvq_first.input_proj(latent), quantizer.rvq_rest.input_proj(latent)


def loss_of(codec: model.Codec, teacher: model.Codec, clean: Tensor, heard: Tensor, is_whole: Tensor) -> refining.Loss:
    """`is_whole` [batch]: whether all latents shall be the clean sound's, or codebook 0's alone."""
    quantizer = codec.quantizer
    with torch.no_grad():
        meaning, detail = distances(quantizer, teacher.latent(clean))
        if not is_whole.all():  # a transform of no sound is an error
            detail[~is_whole] = quantizer.rvq_rest.input_proj(teacher.latent(heard[~is_whole]))
        book = quantizer.codebooks[0].embedding
        wanted = quantizer.codebooks[0].nearest(meaning.flatten(0, 1))
        scale = (book - book.mean(0)).pow(2).sum(1).mean(), (detail - detail.mean((0, 1))).pow(2).sum(-1).mean()
    mine, fine = distances(quantizer, codec.latent(heard))
    # How near codebook 0's entries are, as likelihoods: the right one must win.
    near = (mine.flatten(0, 1) @ book.t() - book.pow(2).sum(1) / 2) * (12 / scale[0])
    parts = {
        "meaning": (mine - meaning).pow(2).sum(-1).mean() / scale[0],
        "first": F.cross_entropy(near, wanted),
        "detail": (fine - detail).pow(2).sum(-1).mean() / scale[1],
        "same": (near.argmax(-1) == wanted).float().mean(),
    }
    return parts["meaning"] + 0.2 * parts["first"] + parts["detail"], parts


def work(rank: int, arguments: argparse.Namespace, meeting: Meeting | None) -> None:
    """One worker's training."""
    teacher = model.load(arguments.teacher or arguments.codec).to(arguments.device)
    teacher.half = arguments.half
    sounds = Sounds(arguments.frames, arguments.as_they_are)
    refining.refine(
        rank, arguments, meeting, ears, sounds.batch, lambda codec, _, *batch: loss_of(codec, teacher, *batch)
    )


def main() -> None:
    parser = refining.parser(__doc__, minutes=15, rate=5e-4)
    parser.add_argument("--blocks", type=int, help="of the encoder at 100 Hz")
    parser.add_argument("--middle", type=int, help="of the encoder at 25 Hz")
    parser.add_argument("--teacher", help="the codec whose codes are kept (CODEC)")
    parser.add_argument("--as-they-are", type=float, default=0.2, help="share of the sounds that nothing happens to")
    arguments = parser.parse_args()
    arguments.codec = refining.start(arguments, encoder_blocks=arguments.blocks, encoder_middle_blocks=arguments.middle)
    workers.run(work, arguments, lambda: refining.size(arguments.codec, ears))


if __name__ == "__main__":
    main()
