"""Random checkpoints at true sizes, made once in the cache."""

from pathlib import Path
from typing import Any

import torch

from tools.common.places import REFERENCE
from tools.reference import official_codec, official_dialogue
from tools.reference.golden_dialogue import COMMON
from tools.reference.tensors import stacked

FILES = {"moshi_name": "model.safetensors", "mimi_name": "mimi.safetensors", "tokenizer_name": "tokenizer.model"}
COMMON_LARGE = (
    COMMON
    | FILES
    | {
        "hidden_scale": 4.125,
        "card": 2048,
        "depformer_dim": 1024,
        "depformer_num_heads": 16,
        "depformer_num_layers": 6,
        "depformer_dim_feedforward": 4224,
    }
)
SHAPES: dict[str, dict[str, Any]] = {
    # Speech to text, 1B: hears 32 codebooks, writes text, four extra heads.
    "stt-1b": COMMON_LARGE
    | {
        "model_type": "stt",
        "dim": 2048,
        "num_heads": 16,
        "num_layers": 16,
        "text_card": 8000,
        "context": 750,
        "max_period": 100000,
        "n_q": 32,
        "dep_q": 0,
        "delays": [0] * 33,
        "extra_heads_num_heads": 4,
        "extra_heads_dim": 6,
    },
    # The width and the whole depth transformer of the 7B model, two of its 32 layers.
    "7b-two-layers": COMMON_LARGE
    | {
        "model_type": "moshi",
        "dim": 4096,
        "num_heads": 32,
        "num_layers": 2,
        "text_card": 32000,
        "context": 3000,
        "n_q": 16,
        "dep_q": 8,
        "delays": [0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1],
    },
    "7b": COMMON_LARGE
    | {
        "model_type": "moshi",
        "dim": 4096,
        "num_heads": 32,
        "num_layers": 32,
        "text_card": 32000,
        "context": 3000,
        "n_q": 16,
        "dep_q": 8,
        "delays": [0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1],
    },
}
TYPES = {"bf16": torch.bfloat16, "f32": torch.float32}


def mimi(seed: int = 1) -> Path:
    """The path of a true-size Mimi with random weights (385 MB)."""
    path = REFERENCE / "models" / f"mimi-{seed}.safetensors"
    if not path.exists():
        print(f"making {path}", flush=True)
        partial = path.with_suffix(".partial")
        made = official_codec.randomise(official_codec.TRUE, seed)
        official_codec.write(
            partial, official_codec.published(made, half_precision=False), official_codec.TRUE, limit=None
        )
        partial.rename(path)
    return path


def model(shape: str, kind: str, context: int | None = None, seed: int = 1) -> Path:
    """The directory of a language model with random weights, stored as `kind` (bf16 or f32).

    `context` replaces that of the shape, so that the ring wraps within a short run; the weights file is shared.
    """
    config = SHAPES[shape]
    folder = REFERENCE / "models" / f"{shape}-{kind}-{seed}"
    if not (folder / "config.json").exists():
        print(f"making {folder}", flush=True)
        generator = torch.Generator().manual_seed(seed)
        skeleton = official_dialogue.skeleton(config)
        tensors = {
            name: official_dialogue.fill(value.shape, name, generator, liveliness=2.5).to(TYPES[kind])
            for name, value in skeleton.state_dict().items()
        }
        official_dialogue.write(folder, config, stacked(tensors), limit=None)
    if context is None:
        return folder
    narrow = folder.with_name(f"{folder.name}-context-{context}")
    narrow.mkdir(exist_ok=True)
    official_dialogue.write_config(narrow, config | {"context": context})
    weights = narrow / config["moshi_name"]
    if not weights.exists():
        weights.hardlink_to(folder / config["moshi_name"])
    return narrow
