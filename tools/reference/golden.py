"""Assets/golden: tiny models, inputs, and the official package's answers, each file below 100 KB."""

import argparse
import os
from pathlib import Path

os.environ.setdefault("NO_TORCH_COMPILE", "1")

import torch

from tools.common.places import REPOSITORY
from tools.reference import golden_codec, golden_dialogue, golden_layers, golden_model

GOLDEN = REPOSITORY / "Assets" / "golden"
PARTS = {
    "codec": golden_codec.make,
    "layers": golden_layers.make,
    "dialogue": golden_dialogue.make,
    "model": golden_model.make,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="tools/golden", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (all of them when none is named)")
    parser.add_argument("--to", type=Path, default=GOLDEN, help="another directory, with tokenizer.model in it")
    options = parser.parse_args()
    unknown = [name for name in options.parts if name not in PARTS]
    if unknown:
        raise SystemExit(f"golden: unknown part {unknown[0]}; choose among {' '.join(PARTS)}")
    # One thread: sums then run in one order, and the files come out the same each time.
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    for name in options.parts or PARTS:
        print(name)
        PARTS[name](options.to)


if __name__ == "__main__":
    main()
