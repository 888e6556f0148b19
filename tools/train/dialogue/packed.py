"""Reads exported weights, as they are or packed in 8 bits by `antiphon convert` (docs/Quantization.md,
"The packed file").
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

ROWS, INPUTS = 16, 32  # of a block
BLOCK = 8 * ROWS * 4 + 2 * ROWS  # bytes: weights by groups of four inputs, then half-precision scales


def weights_of(path: str | Path) -> dict[str, Tensor]:
    """Tensors by name; packed matrices as f32."""
    from safetensors import safe_open

    with safe_open(str(path), "pt") as file:
        state, card = {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}
    if "antiphon_packed" not in card:
        return state
    for name, entry in json.loads(card["tensors"]).items():
        if entry["bits"] != 8:
            raise SystemExit(
                f"{path}: {name} has {entry['bits']} bits; only 8 are read here. "
                "Start from a model packed in 8, or not packed."
            )
        state[name] = torch.from_numpy(unpacked(state[name].numpy(), entry["shape"])).contiguous()
    return state


def unpacked(parts: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Bytes [parts, bytes] of matrices that are stacked into `shape`."""
    rows, inputs = shape[0] // len(parts), shape[1]
    blocks = -(-inputs // INPUTS)
    found = parts.reshape(len(parts), -1, blocks, BLOCK)
    weights = found[..., : 8 * ROWS * 4].reshape(*found.shape[:3], 8, ROWS, 4).astype(np.float32) - 128
    scales = np.ascontiguousarray(found[..., 8 * ROWS * 4 :]).view(np.float16).astype(np.float32)
    # parts, panels, blocks, groups, rows, four inputs -> parts, panels, rows, blocks, groups, four inputs
    weights = (weights * scales[:, :, :, None, :, None]).transpose(0, 1, 4, 2, 3, 5)
    whole = weights.reshape(len(parts), -1, blocks * INPUTS)[:, :rows, :inputs]
    return np.ascontiguousarray(whole.reshape(shape))
