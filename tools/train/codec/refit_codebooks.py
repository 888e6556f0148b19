"""Fits the entries of a codec's acoustic codebooks to what its encoder gives now.

    python -m tools.train.codec.refit_codebooks CODEC.safetensors OUT.safetensors [--crops 4000] [--rounds 3]
        [--prior 3]

Codebook 0, encoder and decoder stay as they are. Each round chooses codes for the same crops as the codec does (its
beam), then takes the entries whose sums are nearest to the latents: least squares over all levels at once, as in
additive quantization (Babenko & Lempitsky 2014, section 3.2). `--prior` is the number of latents at an entry's old
place that are added to those it stands for, so codes keep their meaning and entries that are hardly chosen their
place. A tenth of the latents is not fitted to: what the codebooks leave over of it is printed.
"""

import argparse

import torch
from torch import Tensor

from tools.train.codec import model
from tools.train.codec.quantizer import ResidualQuantizer
from tools.train.data.crops import Crops

SHARES = {"assistant": 0.25, "synthetic": 0.2, "recorded": 0.45, "formant": 0.05, "odd": 0.05}
FRAMES, TOGETHER = 64, 16  # of a crop; crops encoded at once
SETTLED = 2  # frames from which on the encoder has heard something before


@torch.no_grad()
def latents(codec: model.Codec, crops: int) -> Tensor:
    """What the acoustic codebooks stand for [frames, width], of so many crops."""
    sounds = Crops(FRAMES, SHARES)
    batches = (torch.from_numpy(sounds.batch(TOGETHER, (11, number))[0]) for number in range(crops // TOGETHER))
    return torch.cat([codec.quantizer.rvq_rest.input_proj(codec.latent(x))[:, SETTLED:].flatten(0, 1) for x in batches])


def chosen(quantizer: ResidualQuantizer, z: Tensor) -> tuple[Tensor, Tensor]:
    """Codes [frames, levels], and what they leave over of the latents [frames, width]."""
    found = [quantizer.search(part, quantizer.beam) for part in z.split(512)]
    codes, rest = zip(*found)
    return torch.cat([beam[:, 0] for beam in codes]), torch.cat([beam[:, 0] for beam in rest])


def left_over(quantizer: ResidualQuantizer, z: Tensor) -> float:
    """Mean squared distance of latents from the sums that stand for them."""
    return chosen(quantizer, z)[1].pow(2).sum(-1).mean().item()


def fitted(z: Tensor, codes: Tensor, before: Tensor, prior: float) -> Tensor:
    """The entries [levels, cardinality, width] that make the sums of these codes nearest to `z`."""
    levels, cardinality, width = before.shape
    columns = codes + torch.arange(levels) * cardinality
    together = prior * torch.eye(levels * cardinality, dtype=torch.double)
    sums = prior * before.double().flatten(0, 1)
    one = torch.ones(len(columns), dtype=torch.double)
    for mine in columns.unbind(1):
        sums.index_add_(0, mine, z.double())
        for theirs in columns.unbind(1):
            together.view(-1).index_add_(0, mine * len(together) + theirs, one)
    return torch.cholesky_solve(sums, torch.linalg.cholesky(together)).float().view_as(before)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("codec")
    parser.add_argument("out")
    parser.add_argument("--crops", type=int, default=4000, help="of five seconds")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--prior", type=float, default=3)
    arguments = parser.parse_args()
    codec = model.load(arguments.codec)
    quantizer = codec.quantizer.rvq_rest
    z = latents(codec, arguments.crops)
    is_held = torch.arange(len(z)) % 10 == 0
    held, z = z[is_held], z[~is_held]
    before = torch.stack([codebook.embedding for codebook in quantizer.codebooks])
    print(f"{len(is_held)} frames; left over of those not fitted to: {left_over(quantizer, held):.3f}", flush=True)
    for _ in range(arguments.rounds):
        entries = fitted(z, chosen(quantizer, z)[0], before, arguments.prior)
        for codebook, mine in zip(quantizer.codebooks, entries):
            codebook.embedding.copy_(mine)
        moved = ((entries - before).pow(2).sum() / before.pow(2).sum()).item()
        print(
            f"{left_over(quantizer, held):.3f}; entries moved by {100 * moved**0.5:.1f} % of their length", flush=True
        )
    model.save(codec, arguments.out)


if __name__ == "__main__":
    main()
