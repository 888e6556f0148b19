"""A tiny spectral codec with random weights and what it answers, for the runtime's tests.

    python -m tools.train.codec.tiny_spectral DIRECTORY      (Assets/golden/tiny-spectral)

DIRECTORY gets model.safetensors and trace.safetensors (`input`, `codes`, `margin` and `pcm` of trace.py), each below
100 KB. Of three hundred seeds, the one whose codes win most clearly is taken: they can be compared for equality.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tools.common import tensor_files
from tools.common.sizes import FRAME, RATE
from tools.train.codec import model
from tools.train.codec.trace import trace

CONFIGURATION: dict[str, Any] = dict(
    analysis_window=480,
    mel_bands=16,
    low_bins=8,
    encoder_width=8,
    latent_width=16,
    decoder_width=8,
    encoder_blocks=1,
    encoder_middle_blocks=1,
    decoder_middle_blocks=1,
    decoder_blocks=1,
    transformer_layers=1,
    heads=2,
    feed_forward=32,
    context=3,
    cardinality=16,
    codebook_width=4,
    beam=3,
)
FRAMES = 6


def make(seed: int) -> tuple[model.Codec, dict[str, np.ndarray]]:
    """A tiny codec of a seed, and what it answers to a sound with that seed's noise."""
    torch.manual_seed(seed)
    codec = model.Codec(model.Configuration(**CONFIGURATION)).eval()
    for parameter in codec.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, 0, 1 / np.sqrt(parameter[0].numel()))
            # What the file rounds, the trace must round too.
            parameter.data = parameter.data.half().float()
    time = torch.arange(FRAMES * FRAME) / RATE
    sound = 0.2 * torch.sin(2 * torch.pi * (150 + 60 * time) * time) + 0.02 * torch.randn(FRAMES * FRAME)
    with torch.no_grad():
        latent = codec.latent(sound[None])
        for part in (codec.quantizer.rvq_first, codec.quantizer.rvq_rest):
            rest = part.input_proj(latent)[0]
            for book in part.codebooks:
                book.embedding.copy_(rest.mean(0) + rest.std(0) * torch.randn_like(book.embedding))
                nearest = torch.cdist(rest, book.embedding).argmin(1)
                rest = rest - book.embedding[nearest]
    return codec, trace(codec, sound[None])


def main() -> None:
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    seed = max(range(1, 300), key=lambda seed: make(seed)[1]["margin"].min())
    codec, answers = make(seed)
    model.save(codec, directory / "model.safetensors")
    tensor_files.write_arrays(
        directory / "trace.safetensors", {name: answers[name] for name in ("input", "codes", "pcm", "margin")}
    )
    print(
        f"seed {seed}: smallest margin {answers['margin'].min():.1e}, loudest sample {np.abs(answers['pcm']).max():.3f}"
    )


if __name__ == "__main__":
    main()
