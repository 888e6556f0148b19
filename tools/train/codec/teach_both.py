"""Teaches a codec's encoder and decoder together, with the quantizer as it is: codes keep their meaning.

    python -m tools.train.codec.teach_both CODEC.safetensors OUT.safetensors [--minutes 60] [--workers 2] [--half]
        [--decoder-blocks 12]

Two kinds of sounds a step. What is *spoken again* (`--batch` crops, two fifths recordings of people) teaches both
what the sound loses: the gradient goes through the quantizer as if it were not there (codebook 0, which is for words,
is left out). What is *heard* (`--heard` pairs) teaches the encoder as adapt_encoder does. In both the encoder is kept
near what it was (`--keep`), least for recordings of people, so that a dialogue model trained on the old codes
understands the new ones. Half of the assistant's crops are decoded from the old encoder's codes, since that is what a
dialogue model speaks in.

`--words` is the weight of what a recogniser hears differently (recogniser.py), in `--read` crops a step,
recordings first. That recogniser is the one that judges later: judge by another one, too
(`judge.codec_program --judge moonshine`).
"""

import argparse
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from tools.train import workers
from tools.train.codec import adapt_encoder, model, refining, teach_decoder
from tools.train.codec.quantizer import SplitQuantizer
from tools.train.course import Course
from tools.train.data.crops import Crops
from tools.train.workers import Meeting

SHARES = {"assistant": 0.3, "synthetic": 0.15, "recorded": 0.4, "formant": 0.05, "odd": 0.1}
FREE = {"recorded": 0.2, "odd": 0.2}  # how strongly such a crop's codes are kept; others wholly
FEWER, BLURRED = 0.1, 0.2  # of the batches: see teach_decoder


def whole(codec: model.Codec) -> nn.ModuleList:
    """The part of a codec that is taught."""
    return nn.ModuleList([adapt_encoder.ears(codec), teach_decoder.mouth(codec)])


class Sounds:
    """Crops to speak again, and pairs to hear."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.spoken = Crops(arguments.frames, SHARES)
        self.pairs, self.count = adapt_encoder.Sounds(arguments.frames, arguments.as_they_are), arguments.heard

    def batch(self, size: int, seed: Sequence[int]) -> tuple[np.ndarray, ...]:
        """Crops (recordings first), how strongly the codes of each are kept, whether the old encoder gives
        them; then pairs.
        """
        chance = np.random.default_rng(seed)
        groups = sorted(
            chance.choice(self.spoken.groups, size, p=self.spoken.shares), key=lambda group: group != "recorded"
        )
        crops = np.stack([self.spoken.crop(chance, group)[0] for group in groups])
        kept = np.array([FREE.get(group, 1.0) for group in groups], np.float32)
        old = np.array([group == "assistant" and chance.random() < 0.5 for group in groups])
        return crops, kept, old, *self.pairs.batch(self.count, (*seed, 1))


def through(quantizer: SplitQuantizer, latent: Tensor, given: Tensor, is_old: Tensor) -> tuple[Tensor, Tensor]:
    """What the decoder gets of `latent`, as if the quantizer were not there for the gradient, or of the codes
    `given` where `is_old`.
    """
    first, rest = quantizer.rvq_first, quantizer.rvq_rest
    semantic, z = first.input_proj(latent).detach(), rest.input_proj(latent)
    entry, _, _ = first(semantic)
    kept, _, far = rest(z)
    mixed = first.output_proj(entry) + rest.output_proj(z + (kept - z).detach())
    return torch.where(is_old[:, None, None], quantizer.decode(given), mixed), far


def work(rank: int, arguments: argparse.Namespace, meeting: Meeting | None) -> None:
    """One worker's training."""
    torch.manual_seed(1)
    teacher = model.load(arguments.teacher or arguments.codec).to(arguments.device)
    teacher.half = arguments.half
    sounds, judged = Sounds(arguments), teach_decoder.Judged(arguments)
    worsening = teach_decoder.Worsening(teacher, FEWER, BLURRED)

    def loss_of(
        codec: model.Codec,
        _: Course,
        x: Tensor,
        keep: Tensor,
        is_old: Tensor,
        clean: Tensor,
        heard: Tensor,
        is_whole: Tensor,
    ) -> refining.Loss:
        quantizer, latent = codec.quantizer, codec.latent(x)
        with torch.no_grad():
            before = teacher.latent(x)
            codes = teacher.quantizer.encode(before)
            meaning, detail = adapt_encoder.distances(quantizer, before)
            scale = [(part - part.mean((0, 1))).pow(2).sum(-1).mean() for part in (meaning, detail)]
        worse = worsening.draw()
        if worse:
            given, far = quantizer.decode(worse(quantizer.encode(latent.detach()))), latent.new_zeros(())
        else:
            given, far = through(quantizer, latent, codes, is_old)
        loss, parts, _ = judged(codec, given, x)
        mine = adapt_encoder.distances(quantizer, latent)
        for name, now, then, size in zip(("words kept", "sound kept"), mine, (meaning, detail), scale):
            parts[name] = ((now - then).pow(2).sum(-1).mean(-1) * keep).mean() / size
            loss = loss + arguments.keep * parts[name]
        parts["far"] = far / scale[1]
        parts["equal"] = (
            (quantizer.codebooks[0].nearest(mine[0].flatten(0, 1)) == codes[..., 0].flatten()).float().mean()
        )
        hearing, also = adapt_encoder.loss_of(codec, teacher, clean, heard, is_whole)
        return loss + 2 * parts["far"] + arguments.hearing * hearing, parts | also

    refining.refine(rank, arguments, meeting, whole, sounds.batch, loss_of)


def main() -> None:
    parser = refining.parser(__doc__, minutes=60, rate=4e-4)
    parser.add_argument("--heard", type=int, default=4, help="pairs per worker and step")
    parser.add_argument("--keep", type=float, default=1.0, help="weight of codes that stay as they were")
    parser.add_argument("--hearing", type=float, default=1.0, help="weight of the pairs")
    parser.add_argument("--teacher", help="the codec whose codes are kept (CODEC)")
    parser.add_argument("--as-they-are", type=float, default=0.35, help="share of the pairs that nothing happens to")
    parser.add_argument("--decoder-blocks", type=int, help="of the decoder at 100 Hz")
    parser.add_argument(
        "--beam", type=int, help="sums that the quantizer's search keeps from level to level (as CODEC says)"
    )
    teach_decoder.add_weights(parser)
    arguments = parser.parse_args()
    arguments.codec = refining.start(arguments, decoder_blocks=arguments.decoder_blocks, beam=arguments.beam)
    workers.run(work, arguments, lambda: refining.size(arguments.codec, whole))


if __name__ == "__main__":
    main()
