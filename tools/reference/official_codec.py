"""Mimi from the official package, at any size, with random weights under which it behaves like a codec."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from moshi.models import loaders
from moshi.models.compression import MimiModel

from tools.common.sizes import FRAME, RATE
from tools.reference.speech import speech
from tools.reference.tensors import narrow, save, stacked


@dataclass(frozen=True)
class CodecSizes:
    """Sizes of a Mimi; the defaults are those that were published."""

    filters: int = 64
    dimension: int = 512
    layers: int = 8
    heads: int = 8
    context: int = 250
    feed_forward: int = 2048
    codebooks: int = 32
    codebook_dimension: int = 256
    entries: int = 2048

    def official(self) -> dict:
        """The configuration that the official loader takes."""
        seanet = loaders._seanet_kwargs | {"n_filters": self.filters, "dimension": self.dimension}
        transformer = loaders._transformer_kwargs | {
            "d_model": self.dimension,
            "input_dimension": self.dimension,
            "output_dimensions": [self.dimension],
            "num_layers": self.layers,
            "num_heads": self.heads,
            "context": self.context,
            "dim_feedforward": self.feed_forward,
        }
        quantizer = {
            "dimension": self.codebook_dimension,
            "n_q": self.codebooks,
            "bins": self.entries,
            "input_dimension": self.dimension,
            "output_dimension": self.dimension,
        }
        return loaders._mimi_config | {"seanet": seanet, "transformer": transformer, "quantizer": quantizer}

    def card(self) -> dict:
        """What a reader cannot see in the shapes; stored in the file's metadata under `codec`."""
        return {
            "architecture": "mimi",
            "num_heads": self.heads,
            "context": self.context,
            "max_period": 10000,
            "sample_rate": RATE,
            "samples_per_frame": FRAME,
            "encoder_ratios": [4, 5, 6, 8],
            "decoder_ratios": [8, 6, 5, 4],
        }


TRUE = CodecSizes()
TINY = CodecSizes(
    filters=2,
    dimension=16,
    layers=2,
    heads=2,
    context=4,
    feed_forward=24,
    codebooks=8,
    codebook_dimension=8,
    entries=32,
)


def load(path: Path, sizes: CodecSizes, codebooks: int) -> MimiModel:
    """A Mimi from a file, through the official loader."""
    return loaders.get_mimi(path, sizes.official(), num_codebooks=codebooks)


def _convolutions(module: torch.nn.Module) -> list[torch.nn.Module]:
    return [part for part in module.modules() if isinstance(part, (torch.nn.Conv1d, torch.nn.ConvTranspose1d))]


def _scale_in_order(module: torch.nn.Module, run: Callable[[], Any], generator: torch.Generator) -> None:
    """Random convolutions, each scaled, in the order in which they act, so that its output spreads by one."""
    layers = _convolutions(module)
    for layer in layers:
        layer.weight.normal_(0, 1 / math.sqrt(layer.weight[0].numel()), generator=generator)
        if layer.bias is not None:
            layer.bias.normal_(0, 0.05, generator=generator)
    for layer in layers:
        for _ in range(2):
            seen: list[float] = []
            hook = layer.register_forward_hook(lambda _, __, output, seen=seen: seen.append(output.std().item()))
            run()
            hook.remove()
            layer.weight /= max(seen[-1], 1e-6)


def _randomise_transformer(module: torch.nn.Module, generator: torch.Generator, branch: tuple[float, float]) -> None:
    for name, value in module.named_parameters():
        if "layer_scale" in name:
            value.copy_(branch[0] + (branch[1] - branch[0]) * torch.rand(value.shape, generator=generator))
        elif value.dim() >= 2:
            value.normal_(0, 1 / math.sqrt(value.shape[-1]), generator=generator)
        elif name.endswith("weight"):
            value.copy_(1 + 0.1 * torch.randn(value.shape, generator=generator))
        else:
            value.normal_(0, 0.05, generator=generator)


@torch.no_grad()
def randomise(sizes: CodecSizes, seed: int, seconds: int = 8, branch: tuple[float, float] = (0.1, 0.3)) -> MimiModel:
    """A codec whose layers all carry signal and whose codebooks are all used.

    `branch` is the range of the learnt factor on the transformers' residual branches.
    """
    generator = torch.Generator().manual_seed(seed)
    mimi = loaders.get_mimi(None, sizes.official(), num_codebooks=sizes.codebooks)
    samples = seconds * 25 // 2 * FRAME
    voices = [torch.from_numpy(speech(samples, seed * 100 + index)) for index in range(4)]
    voices.append(0.2 * torch.randn(samples, generator=generator))
    sound = torch.stack(voices)[:, None]

    for transformer in (mimi.encoder_transformer, mimi.decoder_transformer):
        _randomise_transformer(transformer, generator, branch)
    _scale_in_order(mimi.encoder, lambda: mimi.encoder(sound[:, :, : 12 * FRAME]), generator)
    half = mimi.encoder_transformer(mimi.encoder(sound))[0]
    _scale_in_order(mimi.downsample, lambda: mimi._to_framerate(half), generator)
    latent = mimi._to_framerate(half)

    for quantizer in (mimi.quantizer.rvq_first, mimi.quantizer.rvq_rest):
        for projection in (quantizer.input_proj, quantizer.output_proj):
            projection.weight.normal_(0, 1 / math.sqrt(projection.weight.shape[1]), generator=generator)
        residual = quantizer.input_proj(latent).transpose(1, 2).flatten(0, 1)
        for layer in quantizer.vq.layers:
            book = layer._codebook
            entries = residual.mean(0) + 0.8 * residual.std(0) * torch.randn(
                sizes.entries, sizes.codebook_dimension, generator=generator
            )
            usage = 0.5 + 4 * torch.rand(sizes.entries, generator=generator)
            # One entry nobody used: readers must divide by 1e-5, not by zero.
            usage[sizes.entries // 2] = 0
            book.cluster_usage.copy_(usage)
            book.embedding_sum.copy_(entries * usage.clamp(min=1e-5)[:, None])
            book._initialized.fill_(1)
            residual = residual - entries[torch.cdist(residual, entries).argmin(1)]

    quantized = mimi.quantizer.decode(mimi.quantizer.encode(latent))
    _scale_in_order(mimi.upsample, lambda: mimi._to_encoder_framerate(quantized), generator)
    doubled = mimi.decoder_transformer(mimi._to_encoder_framerate(quantized))[0]
    _scale_in_order(mimi.decoder, lambda: mimi.decoder(doubled[:, :, :24]), generator)
    _convolutions(mimi.decoder)[-1].weight *= 0.15
    return mimi


def published(mimi: MimiModel, half_precision: bool) -> dict[str, torch.Tensor]:
    """The tensors under the names of published files. In half precision, matrices are BF16 and vectors F32."""
    tensors = stacked(mimi.state_dict())
    if half_precision:
        matrices = {key: value for key, value in tensors.items() if value.dim() >= 2}
        tensors |= narrow(matrices)
    return tensors


def write(path: Path, tensors: dict[str, torch.Tensor], sizes: CodecSizes, limit: int | None) -> None:
    """Writes tensors as a file that describes itself where its sizes are not the published ones."""
    card = {"codec": sizes.card()} if sizes != TRUE else None
    save(path, tensors, card, limit)


@torch.no_grad()
def stream(mimi: MimiModel, pcm: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Encodes and decodes frame by frame: `[samples]` to codes `[codebooks, frames]` and samples `[samples]`."""
    codes, sound = [], []
    with mimi.streaming(1):
        for frame in pcm.view(-1, 1, 1, FRAME):
            code = mimi.encode(frame)
            codes.append(code[0, :, 0])
            sound.append(mimi.decode(code)[0, 0])
    return torch.stack(codes, 1).int(), torch.cat(sound)


@torch.no_grad()
def decode(mimi: MimiModel, codes: torch.Tensor) -> torch.Tensor:
    """Decodes frame by frame: codes `[codebooks, frames]` to samples."""
    with mimi.streaming(1):
        return torch.cat([mimi.decode(column[None, :, None].long())[0, 0] for column in codes.T])


@torch.no_grad()
def stages(mimi: MimiModel, pcm: torch.Tensor) -> dict[str, torch.Tensor]:
    """What every stage answers when streaming, time first: `[tokens, dimension]`."""
    seen: dict[str, list[torch.Tensor]] = {}

    def note(name: str) -> Callable[..., None]:
        def hook(_: Any, __: Any, output: Any) -> None:
            tensor = output[0] if isinstance(output, (list, tuple)) else output
            seen.setdefault(name, []).append(tensor[0].T)

        return hook

    names = ("encoder", "encoder_transformer", "downsample", "upsample", "decoder_transformer")
    hooks = [getattr(mimi, name).register_forward_hook(note(name)) for name in names]
    stream(mimi, pcm)
    for hook in hooks:
        hook.remove()
    return {name: torch.cat(parts) for name, parts in seen.items()}


@torch.no_grad()
def narrowest_choice(mimi: MimiModel, pcm: torch.Tensor) -> float:
    """The smallest relative gap between the nearest and the second nearest entry over all choices made.

    Small gaps are near-ties, where another order of additions may rightly choose another code.
    """
    latents = stages(mimi, pcm)["downsample"]
    gap = math.inf
    for quantizer in (mimi.quantizer.rvq_first, mimi.quantizer.rvq_rest):
        residual = quantizer.input_proj(latents.T[None])[0].T
        for layer in quantizer.vq.layers[: quantizer.n_q]:
            entries = layer._codebook.embedding
            distance = torch.cdist(residual, entries)
            two = distance.topk(2, largest=False).values
            gap = min(gap, ((two[:, 1] - two[:, 0]) / two[:, 1]).min().item())
            residual = residual - entries[distance.argmin(1)]
    return gap
