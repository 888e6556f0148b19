"""Tiny language models in the published layout, one per member of the family, stepped through several ring wraps."""

from pathlib import Path
from typing import Any

import torch

from tools.reference import official_dialogue
from tools.reference.tensors import candle, narrow, plural, save

STEPS = 48
SEEDS = range(1, 60)

COMMON: dict[str, Any] = {
    "existing_text_padding_id": 3,
    "causal": True,
    "layer_scale": None,
    "context": 4,
    "max_period": 10000,
    "gating": "silu",
    "norm": "rms_norm_f32",
    "positional_embedding": "rope",
    "depformer_layer_scale": None,
    "depformer_multi_linear": True,
    "depformer_context": 8,
    "depformer_max_period": 10000,
    "depformer_gating": "silu",
    "depformer_pos_emb": "none",
    "depformer_weights_per_step": True,
    "conditioners": {},
    "cross_attention": False,
    "moshi_name": "model.safetensors",
    "mimi_name": "codec.safetensors",
    "tokenizer_name": "tokenizer.model",
}

# The pattern of the 7B model: two streams of eight codebooks, all but the first one step late.
MOSHI: dict[str, Any] = COMMON | {
    "model_type": "moshi",
    "dim": 24,
    "num_heads": 2,
    "num_layers": 2,
    "hidden_scale": 2,
    "card": 32,
    "text_card": 48,
    "n_q": 16,
    "dep_q": 8,
    "delays": [0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1],
    "depformer_dim": 8,
    "depformer_num_heads": 2,
    "depformer_num_layers": 2,
    "depformer_dim_feedforward": 16,
}

# Longer delays, weights shared by a schedule, low-rank tables, a description summed onto every step.
HIBIKI: dict[str, Any] = COMMON | {
    "model_type": "hibiki",
    "dim": 16,
    "num_heads": 2,
    "num_layers": 2,
    "hidden_scale": 4.125,
    "card": 32,
    "text_card": 40,
    "n_q": 8,
    "dep_q": 4,
    "max_period": 100000,
    "delays": [0, 0, 2, 2, 2, 0, 2, 2, 2],
    "depformer_dim": 8,
    "depformer_num_heads": 2,
    "depformer_num_layers": 2,
    "depformer_dim_feedforward": 33,
    "depformer_weights_per_step_schedule": [0, 1, 2, 2],
    "depformer_low_rank_embeddings": 4,
    "conditioners": {
        "description": {
            "type": "lut",
            "lut": {
                "n_bins": 7,
                "dim": 4,
                "tokenizer": "noop",
                "possible_values": ["very_bad", "bad", "neutral", "good", "very_good"],
            },
        },
    },
    "fuser": {
        "cross_attention_pos_emb": False,
        "cross_attention_pos_emb_scale": 1,
        "sum": ["description"],
        "prepend": [],
        "cross": [],
    },
}

# Hears only: no depth transformer, four heads beside the text.
STT: dict[str, Any] = COMMON | {
    "model_type": "stt",
    "dim": 24,
    "num_heads": 2,
    "num_layers": 2,
    "hidden_scale": 4.125,
    "card": 32,
    "text_card": 48,
    "n_q": 8,
    "dep_q": 0,
    "max_period": 100000,
    "delays": [0] * 9,
    "depformer_dim": 8,
    "depformer_num_heads": 2,
    "depformer_num_layers": 2,
    "depformer_dim_feedforward": 16,
    "extra_heads_num_heads": 4,
    "extra_heads_dim": 6,
    "stt_config": {"audio_silence_prefix_seconds": 0.0, "audio_delay_seconds": 0.5},
}

# LayerNorm, a plain GELU feed-forward, normalised depth outputs, uneven delays, one table of conditions unused.
PLAIN: dict[str, Any] = COMMON | {
    "model_type": "moshi",
    "dim": 16,
    "num_heads": 2,
    "num_layers": 2,
    "hidden_scale": 4,
    "gating": "none",
    "norm": "layer_norm",
    "card": 32,
    "text_card": 48,
    "n_q": 5,
    "dep_q": 3,
    "delays": [0, 1, 2, 3, 0, 2],
    "depformer_dim": 8,
    "depformer_num_heads": 2,
    "depformer_num_layers": 2,
    "depformer_dim_feedforward": 32,
    "depformer_norm": "layer_norm",
}

VARIANTS: dict[str, tuple[dict[str, Any], dict[str, str], bool]] = {
    # name: (configuration, condition texts, whether the weights are rounded to BF16)
    "moshi": (MOSHI, {}, True),
    "hibiki": (HIBIKI, {"description": "very_good"}, False),
    "stt": (STT, {}, False),
    "plain": (PLAIN, {}, False),
}


def make_variant(
    folder: Path, config: dict, attributes: dict[str, str], half_precision: bool, codes_seed: int = 5
) -> dict[str, torch.Tensor]:
    """Writes model, input and output; a seed is taken under which no choice is a near-tie."""
    codes = official_dialogue.user_codes(config["n_q"] - config["dep_q"], STEPS, config["card"], codes_seed)
    for seed in SEEDS:
        model = official_dialogue.build(config)
        official_dialogue.randomise(model, seed)
        tensors = official_dialogue.published(model)
        if half_precision:
            tensors = narrow(tensors, keep="^condition_provider")
        official_dialogue.write(folder, config, tensors, limit=100_000)
        result = official_dialogue.trace(official_dialogue.load(folder), codes, attributes)
        gap = official_dialogue.narrowest_choice(result)
        words = len(result["text"].unique())
        print(f"  seed {seed}: narrowest choice {gap:.1e}, {words} distinct text tokens in {STEPS} steps")
        if gap > 4e-3 and words >= 10:
            break
    else:
        raise SystemExit(f"no seed gives {folder.name} without near-ties")
    save(folder / "input.safetensors", {"codes": codes}, {"conditions": attributes} if attributes else None)
    save(folder / "output.safetensors", result)
    return tensors


def make(golden: Path) -> None:
    """Writes tiny-dialogue/: every variant, some of them in other layouts as well."""
    root = golden / "tiny-dialogue"
    for name, (config, attributes, half_precision) in VARIANTS.items():
        tensors = make_variant(root / name, config, attributes, half_precision)
        if not config["dep_q"]:
            continue
        schedule = config.get("depformer_weights_per_step_schedule") or list(range(config["dep_q"]))
        if name in ("moshi", "hibiki"):
            for layout, renamed in (
                ("candle", candle(tensors, schedule)),
                ("plural", plural(tensors, max(schedule) + 1)),
            ):
                folder = root / f"{name}-{layout}"
                official_dialogue.write(folder, config, renamed, limit=100_000)
        if name == "moshi":
            # The official loader reads the plural names too: the answers must not change.
            codes = official_dialogue.user_codes(config["n_q"] - config["dep_q"], STEPS, config["card"], 5)
            again = official_dialogue.trace(official_dialogue.load(root / "moshi-plural"), codes)
            first = official_dialogue.trace(official_dialogue.load(root / "moshi"), codes)
            assert all(torch.equal(again[key], first[key]) for key in first)
