"""The official language model, at any size, with random weights under which greedy decoding stays lively."""

import copy
import json
import math
from pathlib import Path
from typing import Any

import torch
from moshi.conditioners import ConditionAttributes
from moshi.models import LMGen, LMModel, loaders

from tools.reference.tensors import save, stacked

# Fields of config.json that describe files and use, not the network.
FILE_FIELDS = (
    "moshi_name",
    "mimi_name",
    "mimi_config_name",
    "tokenizer_name",
    "lora_name",
    "model_type",
    "lm_gen_config",
    "tts_config",
    "stt_config",
    "model_id",
)


def network_fields(config: dict) -> dict:
    """What a config.json says of the network, as a copy."""
    # The official loader writes into what it is given.
    return copy.deepcopy({key: value for key, value in config.items() if key not in FILE_FIELDS})


def build(config: dict, dtype: torch.dtype = torch.float32) -> LMModel:
    """A model with the sizes of a config.json and whatever weights the package starts from."""
    return loaders.get_moshi_lm(None, network_fields(config), device="cpu", dtype=dtype)


def skeleton(config: dict) -> LMModel:
    """The names and shapes alone, without memory for the weights."""
    return loaders.get_moshi_lm(None, network_fields(config), device="meta")


def load(directory: Path, dtype: torch.dtype = torch.float32) -> LMModel:
    """A model directory, through the official loader, with what it does for each kind of model."""
    config = json.loads((directory / "config.json").read_text())
    info = loaders.CheckpointInfo(
        moshi_weights=directory / config.get("moshi_name", loaders.MOSHI_NAME),
        mimi_weights=directory / "none",
        tokenizer=directory / "none",
        lm_config=network_fields(config),
        raw_config=config,
        model_type=config.get("model_type", "moshi"),
    )
    return info.get_moshi(dtype=dtype)


@torch.no_grad()
def fill(shape: torch.Size, name: str, generator: torch.Generator, liveliness: float) -> torch.Tensor:
    """Random values for one parameter, scaled by what it does in the network."""
    if "norm" in name:
        if name.endswith("bias"):
            return 0.1 * torch.randn(shape, generator=generator)
        return 1 + 0.15 * torch.randn(shape, generator=generator)
    if name.endswith("learnt_padding"):
        return 0.5 * torch.randn(shape, generator=generator)
    value = torch.randn(shape, generator=generator)
    if "emb" in name and not name.endswith(("low_rank.weight", "output_proj.weight")):
        return value * (0.5 if name.startswith("emb.") else 1.0)
    value /= math.sqrt(shape[-1])
    if "in_proj" in name:
        # Queries and keys that matter: attention far from uniform shows a wrong window or a wrong position.
        value[: shape[0] // 3 * 2] *= 1.5
    if name.startswith(("text_linear", "linears.")):
        value *= liveliness
    return value


@torch.no_grad()
def randomise(model: LMModel, seed: int, liveliness: float = 2.5) -> None:
    """Fills all parameters with random values."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in model.named_parameters():
        value.copy_(fill(value.shape, name, generator, liveliness))


def published(model: LMModel) -> dict[str, torch.Tensor]:
    """The tensors under the names of published files."""
    return stacked(model.state_dict())


def write_config(directory: Path, config: dict) -> None:
    """Writes config.json."""
    (directory / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def write(directory: Path, config: dict, tensors: dict[str, torch.Tensor], limit: int | None) -> None:
    """Writes a model directory without codec and tokenizer."""
    directory.mkdir(parents=True, exist_ok=True)
    save(directory / config["moshi_name"], tensors, limit=limit)
    write_config(directory, config)


def conditions(model: LMModel, attributes: dict[str, str]) -> Any:
    """The condition tensors of some texts by name; none for a model without conditions."""
    if model.condition_provider is None:
        return None
    return model.condition_provider.prepare_and_provide([ConditionAttributes(text=dict(attributes))])


@torch.no_grad()
def trace(model: LMModel, codes: torch.Tensor, attributes: dict[str, str] | None = None) -> dict[str, torch.Tensor]:
    """Steps greedily through user codes `[steps, rows]` with the official generator, noting everything.

    text `[steps]` and audio `[steps, dep_q]` are what was sampled in each step; output and output_text are the
    un-delayed rows the generator returns, -1 while it returns nothing.
    """
    texts, audios, text_logits, audio_logits, outputs, heads = [], [], [], [], [], []
    substeps: list[torch.Tensor] = []

    forward = model.forward_depformer

    def noted_forward(index: int, *arguments: Any) -> torch.Tensor:
        logits = forward(index, *arguments)
        substeps.append(logits[0, 0, 0].float().clone())
        return logits

    model.forward_depformer = noted_forward
    generator = LMGen(
        model,
        use_sampling=False,
        check=True,
        condition_tensors=conditions(model, attributes or {}),
        on_text_logits_hook=lambda logits: text_logits.append(logits[0, 0, 0].float().clone()),
        on_text_hook=lambda token: texts.append(token[0].clone()),
        on_audio_hook=lambda tokens: audios.append(tokens[0].clone()),
    )
    rows = model.dep_q + 1
    with generator.streaming(1):
        for row in codes.long():
            answer = generator._step(row[None, :, None])
            if answer is None:
                outputs.append(torch.full((rows,), -1))
            else:
                outputs.append(answer[0][0, :, 0])
                if len(model.extra_heads):
                    heads.append(torch.stack([head(answer[1])[0, 0].float().softmax(-1) for head in model.extra_heads]))
            if model.dep_q:
                audio_logits.append(torch.stack(substeps))
                substeps.clear()
    del model.forward_depformer
    output = torch.stack(outputs).int()
    result = {
        "text": torch.stack(texts).int(),
        "text_logits": torch.stack(text_logits),
        "output_text": output[:, 0],
    }
    if model.dep_q:
        result |= {
            "audio": torch.stack(audios).int(),
            "audio_logits": torch.stack(audio_logits),
            "output": output[:, 1:],
        }
    if heads:
        result["extra_heads"] = torch.stack(heads)
    return result


def narrowest_choice(result: dict[str, torch.Tensor]) -> float:
    """The smallest difference between the best and the second best logit over all tokens chosen."""
    gap = math.inf
    for name in ("text_logits", "audio_logits"):
        if name in result:
            two = result[name].topk(2, dim=-1).values
            gap = min(gap, (two[..., 0] - two[..., 1]).min().item())
    return gap


def user_codes(model_rows: int, steps: int, card: int, seed: int) -> torch.Tensor:
    """Random codes [steps, rows] of what a user says."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, card, (steps, model_rows), generator=generator, dtype=torch.int32)
