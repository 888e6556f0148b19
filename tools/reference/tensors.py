"""Safetensors files: saving small ones for the repository, and renaming between published key layouts."""

import json
import re
from pathlib import Path

import torch
from safetensors.torch import save_file

SIZE_LIMIT = 100_000


def save(
    path: Path,
    tensors: dict[str, torch.Tensor],
    metadata: dict | None = None,
    limit: int | None = SIZE_LIMIT,
    quiet: bool = False,
) -> None:
    """Writes one file. Metadata values that are not strings become JSON. A file over `limit` bytes is a mistake."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = {key: value if isinstance(value, str) else json.dumps(value) for key, value in (metadata or {}).items()}
    # Every tensor gets memory of its own: safetensors refuses views that share storage.
    save_file({key: value.detach().clone().contiguous() for key, value in tensors.items()}, path, metadata=text or None)
    path.chmod(0o644)
    size = path.stat().st_size
    if not quiet:
        print(f"  {size:>7} bytes  {path.parent.name}/{path.name}", flush=True)
    if limit is not None and size >= limit:
        raise SystemExit(f"{path} has {size} bytes, the limit is {limit}")


def narrow(tensors: dict[str, torch.Tensor], keep: str = "") -> dict[str, torch.Tensor]:
    """The same tensors in BF16, but for keys that match `keep`."""
    return {key: value if keep and re.search(keep, key) else value.to(torch.bfloat16) for key, value in tensors.items()}


def stacked(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The names of published files: one `in_proj_weight` and one `out_proj.weight` per attention,
    weight sets stacked.
    """
    pieces: dict[str, list[torch.Tensor]] = {}
    result: dict[str, torch.Tensor] = {}
    for key, value in state.items():
        match = re.fullmatch(r"(.*)\.(in|out)_projs\.(\d+)\.weight", key)
        if match is None:
            result[key] = value
            continue
        name = f"{match[1]}.in_proj_weight" if match[2] == "in" else f"{match[1]}.out_proj.weight"
        pieces.setdefault(name, []).append(value)
    for name, values in pieces.items():
        result[name] = torch.cat(values)
    return result


def plural(tensors: dict[str, torch.Tensor], sets: int) -> dict[str, torch.Tensor]:
    """The names newer training code saves: `in_projs.N.weight`. `sets` is how many the depth transformer stacks."""
    result: dict[str, torch.Tensor] = {}
    for key, value in tensors.items():
        match = re.fullmatch(r"(.*)\.(in|out)_proj[._]weight", key)
        if match is None:
            result[key] = value
            continue
        count = sets if match[1].startswith("depformer.") else 1
        for index, part in enumerate(value.chunk(count)):
            result[f"{match[1]}.{match[2]}_projs.{index}.weight"] = part
    return result


def candle(tensors: dict[str, torch.Tensor], schedule: list[int]) -> dict[str, torch.Tensor]:
    """The names of the Rust and candle files: the depth transformer is written out once per codebook.

    `schedule[k]` is the weight set of codebook k; scheduled weights are repeated.
    """
    sets = max(schedule) + 1
    result = {key: value for key, value in tensors.items() if not key.startswith(("depformer", "linears."))}
    for k, chosen in enumerate(schedule):
        result[f"depformer.{k}.linear_in.weight"] = tensors[f"depformer_in.{chosen}.weight"]
        result[f"depformer.{k}.linear_out.weight"] = tensors[f"linears.{k}.weight"]
        table = "depformer_text_emb" if k == 0 else f"depformer_emb.{k - 1}"
        for suffix in ("weight", "low_rank.weight"):
            if f"{table}.{suffix}" in tensors:
                result[f"depformer.{k}.emb.{suffix}"] = tensors[f"{table}.{suffix}"]
        for key, value in tensors.items():
            match = re.fullmatch(r"depformer\.layers\.(\d+)\.(.*)", key)
            if match is None:
                continue
            target = f"depformer.{k}.transformer.layers.{match[1]}."
            gating = re.fullmatch(r"gating\.(\d+)\.(.*)", match[2])
            if gating is not None:
                if int(gating[1]) == chosen:
                    result[target + "gating." + gating[2]] = value
            elif match[2].startswith("self_attn."):
                result[target + match[2]] = value.chunk(sets)[chosen]
            else:
                result[target + match[2]] = value
    return result
