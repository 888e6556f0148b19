"""A rival kept warm in a process of its own: it runs one round for each line on its input and prints milliseconds.

python -m tools.reference.peer rustymimi FILE FRAMES
python -m tools.reference.peer official-codec FILE FRAMES
python -m tools.reference.peer official-step DIRECTORY STEPS THREADS bf16|f32
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.common.sizes import FRAME, FRAMES_PER_SECOND

os.environ.setdefault("NO_TORCH_COMPILE", "1")

import numpy as np

from tools.reference.recordings import recorded_speech

WARM_UP = 8
Round = Callable[[], dict[str, list[float]]]  # milliseconds of each part


def timed(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """What a function returns, and the milliseconds that it took."""
    start = time.perf_counter()
    result = function(*arguments)
    return result, (time.perf_counter() - start) * 1e3


def rustymimi_round(path: str, frames: int) -> Round:
    """A round of the Rust codec."""
    import rustymimi

    sound = recorded_speech((frames + WARM_UP) / FRAMES_PER_SECOND, None).reshape(-1, 1, 1, FRAME)
    tokenizer = rustymimi.Tokenizer(path, num_codebooks=8, dtype="f32")

    def run() -> dict[str, list[float]]:
        tokenizer.reset()
        encode, decode = [], []
        for frame in sound:
            codes, spent = timed(tokenizer.encode_step, frame)
            encode.append(spent)
            decode.append(timed(tokenizer.decode_step, codes)[1])
        return {"encode": encode[WARM_UP:], "decode": decode[WARM_UP:]}

    return run


def official_codec_round(path: str, frames: int) -> Round:
    """A round of the official package's codec."""
    import torch

    from tools.reference import official_codec

    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    sound = torch.from_numpy(recorded_speech((frames + WARM_UP) / FRAMES_PER_SECOND, None)).view(-1, 1, 1, FRAME)
    mimi = official_codec.load(Path(path), official_codec.TRUE, codebooks=8)

    def run() -> dict[str, list[float]]:
        encode, decode = [], []
        with mimi.streaming(1):
            for frame in sound:
                codes, spent = timed(mimi.encode, frame)
                encode.append(spent)
                decode.append(timed(mimi.decode, codes)[1])
        return {"encode": encode[WARM_UP:], "decode": decode[WARM_UP:]}

    return run


def official_step_round(directory: str, steps: int, threads: int, kind: str) -> Round:
    """A round of steps of the official package's language model."""
    import torch
    from moshi.models import LMGen

    from tools.reference import official_dialogue

    torch.set_grad_enabled(False)
    torch.set_num_threads(threads)
    model = official_dialogue.load(Path(directory), {"bf16": torch.bfloat16, "f32": torch.float32}[kind])
    rows = model.n_q - model.dep_q
    codes = official_dialogue.user_codes(rows, steps + WARM_UP, model.card, seed=4).long()
    generator = LMGen(model, use_sampling=False)

    def run() -> dict[str, list[float]]:
        spent = []
        with generator.streaming(1):
            for row in codes:
                spent.append(timed(generator.step, row[None, :, None])[1])
        return {"step": spent[WARM_UP:]}

    return run


ROUNDS: dict[str, Callable[..., Round]] = {
    "rustymimi": rustymimi_round,
    "official-codec": official_codec_round,
    "official-step": official_step_round,
}


def main(kind: str, path: str, *options: str) -> None:
    run = ROUNDS[kind](path, *(int(text) if text.isdigit() else text for text in options))
    print("ready", flush=True)
    for _ in sys.stdin:
        percentiles = {
            name: {f"p{level}_ms": float(np.percentile(times, level)) for level in (50, 90, 99)}
            for name, times in run().items()
        }
        print(json.dumps(percentiles), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
