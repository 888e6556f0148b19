"""Kokoro on a GPU, many sentences at once: those of one length are said together, so nothing needs a mask."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from tools.train.data.graph import Graph
from tools.train.data.voices import Styles
from tools.train.folders import TEACHERS

# Where its graph is cut: how long each phoneme is, what is known of each, and of each step of 25 ms.
LENGTHS = "/encoder/Clip_output_0"
PHONEMES = ("/encoder/predictor/text_encoder/Concat_4_output_0", "/encoder/text_encoder/Transpose_2_output_0")
STEPS = ("/encoder/MatMul_output_0", "/encoder/MatMul_1_output_0")
# The inverse transform before the sum of its windows is divided out, which differs from 1 in the first samples only.
SOUND, WINDOWS = (
    "/decoder/decoder/generator/istft/stft/ConvTranspose_output_0",
    "decoder.decoder.generator.stft.istft.stft.window_sum",
)
EDGE = 10  # samples at both ends that are not sound


class KokoroGraph:
    """Kokoro's graph, cut where lengths become known."""

    def __init__(self, device: str = "cuda", most: int = 256, steps: int = 6000) -> None:
        """At most so many sentences, and so many steps of sound, at once."""
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        self.device, self.most, self.steps = device, most, steps
        self.graph, self.styles = Graph(TEACHERS / "kokoro.onnx", device), Styles()

    def say_all(self, jobs: Sequence[tuple[list[int], str, float]]) -> Iterator[tuple[int, np.ndarray]]:
        """Jobs (phoneme numbers, voice, speed) -> (number of the job, sound at 24 kHz), in any order."""
        known = {}
        for numbers in grouped(range(len(jobs)), lambda number: len(jobs[number][0]), lambda _: self.most):
            for number, parts in zip(numbers, self.phonemes([jobs[number] for number in numbers])):
                known[number] = parts
        for numbers in grouped(
            known, lambda number: known[number][0].shape[1], lambda steps: max(1, self.steps // steps)
        ):
            first, second, style = (torch.stack(parts) for parts in zip(*(known.pop(number) for number in numbers)))
            (sound,) = self.graph({STEPS[0]: first, STEPS[1]: second, "style": style}, SOUND)
            yield from zip(numbers, self.whole(sound).cpu().numpy())

    def phonemes(self, jobs: Sequence[tuple[list[int], str, float]]) -> list[tuple[Tensor, Tensor, Tensor]]:
        """What is known of each step of 25 ms of every job, [640, steps] and [512, steps], and its style."""
        tokens = torch.tensor([[0, *ids, 0] for ids, _, _ in jobs], device=self.device)
        style = torch.stack([torch.from_numpy(self.styles(voice)[len(ids)][0]) for ids, voice, _ in jobs]).to(
            self.device
        )
        speed = torch.tensor([[speed] for _, _, speed in jobs], device=self.device)
        lengths, first, second = self.graph({"tokens": tokens, "style": style, "speed": speed}, LENGTHS, *PHONEMES)
        lengths = lengths.long()
        return [
            (one.repeat_interleave(count, 0).t(), other.repeat_interleave(count, 1), which)
            for one, other, count, which in zip(first, second, lengths, style)
        ]

    def whole(self, sound: Tensor) -> Tensor:
        """The sound [sentences, samples], with the sum of its windows divided out and without its edges."""
        sums = self.graph.constants[WINDOWS]
        first, others = sound[:, 0].split([len(sums), sound.shape[-1] - len(sums)], -1)
        return 4 * torch.cat([first / torch.where(sums > 0, sums, 1), others], -1)[:, EDGE:-EDGE]


def grouped(numbers: Iterable[int], length: Callable[[int], int], most: Callable[[int], int]) -> Iterator[list[int]]:
    """Numbers of one length together, at most `most(length)` of them."""
    groups: dict[int, list[int]] = {}
    for number in numbers:
        groups.setdefault(length(number), []).append(number)
    for size, group in sorted(groups.items()):
        for first in range(0, len(group), most(size)):
            yield group[first : first + most(size)]
