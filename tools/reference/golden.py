"""Assets/golden: tiny models, inputs, and the official package's answers, each file below 100 KB."""

import os
import sys
from pathlib import Path

os.environ.setdefault("NO_TORCH_COMPILE", "1")

import torch

import golden_codec
import golden_dialogue
import golden_layers
import golden_model

GOLDEN = Path(__file__).resolve().parents[2] / "Assets" / "golden"
PARTS = {
    "codec": golden_codec.make,
    "layers": golden_layers.make,
    "dialogue": golden_dialogue.make,
    "model": golden_model.make,
}


def main(names: list[str]):
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        raise SystemExit(f"golden: unknown part {unknown[0]}; choose among {' '.join(PARTS)}")
    # One thread: sums then run in one order, and the files come out the same each time.
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    for name in names or PARTS:
        print(name)
        PARTS[name](GOLDEN)


main(sys.argv[1:])
