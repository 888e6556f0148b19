"""Sounds of any lengths through a codec's encoder."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tools.common.sizes import FRAME


def side_by_side(sounds: Sequence[np.ndarray]) -> Tensor:
    """Sounds of any lengths as lines of one tensor, each with silence behind it."""
    lines = torch.zeros(len(sounds), max(map(len, sounds)))
    for line, sound in zip(lines, sounds):
        line[: len(sound)] = torch.from_numpy(np.ascontiguousarray(sound, np.float32))
    return lines


class Encoder:
    """A codec's codes of sounds of any lengths; `half` is faster and changes one code in fifty."""

    def __init__(self, path: str | Path, half: bool = False, device: str = "cpu") -> None:
        from tools.train.codec import model as codec

        torch.backends.cudnn.allow_tf32 = False  # codes shall be those that a CPU gives
        self.codec, self.device = codec.load(path).to(device), device
        self.codec.half = half

    def __call__(self, sounds: Sequence[np.ndarray] | Tensor) -> list[np.ndarray]:
        """Sounds of any lengths (multiples of a frame), or a tensor of some of one length -> codes
        [frames, codebooks] each.
        """
        batch = sounds if isinstance(sounds, Tensor) else side_by_side(sounds)
        codes = self.codec.encode(batch.to(self.device)).cpu().numpy().astype(np.int16)
        return [codes[row, : len(sound) // FRAME] for row, sound in enumerate(sounds)]
