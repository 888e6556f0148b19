"""The mean of two files of weights, of codecs or of dialogue models, tensor by tensor.

    python -m tools.train.dialogue.mean BEFORE AFTER OUT [--share 0.5] [--of-first PARTS] [--of-last PARTS]

BEFORE has that share of the mean. PARTS are beginnings of names, with commas: such tensors are taken whole. AFTER may
have more layers or blocks: those of a dialogue model stand for layers that add nothing in BEFORE, those of a codec
add as much less as the share says. Header and types of numbers are those of AFTER. So the depth transformer, which
speaks and does not listen, can be that of the last run (`--of-last depformer,linears`), and a codec can get its
decoder from another (`--of-first decoder,quantizer`).
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from tools.train.dialogue import model as dialogue
from tools.train.dialogue.packed import weights_of


def mean(
    before: str | Path,
    after: str | Path,
    out: str | Path,
    share: float = 0.5,
    of_first: Sequence[str] = (),
    of_last: Sequence[str] = (),
) -> None:
    """Writes the mean of two files; see the head of this file."""
    from safetensors import safe_open
    from safetensors.torch import save_file

    old = weights_of(before)
    with safe_open(str(after), "pt") as file:
        new, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()
    if "text_linear.weight" in new:
        old = dialogue.deepened(old, dialogue.layers_of(new))

    def joined(name: str, tensor: Tensor) -> Tensor:
        if name.startswith(tuple(of_last)):
            return tensor
        if name not in old:
            return (1 - share) * tensor if name.endswith(".gain") else tensor
        if name.startswith(tuple(of_first)):
            return old[name]
        return (share * old[name].float() + (1 - share) * tensor.float()).to(tensor.dtype)

    save_file({name: joined(name, tensor) for name, tensor in new.items()}, str(out), metadata=metadata)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("before", "after", "out"):
        parser.add_argument(name)
    parser.add_argument("--share", type=float, default=0.5, help="of BEFORE")

    def parts(text: str) -> list[str]:
        return text.split(",")

    parser.add_argument("--of-first", type=parts, default=[], metavar="PARTS", help="taken from BEFORE alone")
    parser.add_argument("--of-last", type=parts, default=[], metavar="PARTS", help="taken from AFTER alone")
    arguments = parser.parse_args()
    mean(**vars(arguments))


if __name__ == "__main__":
    main()
