"""One file with single layers: weights, input, and what the official layer answers when streaming."""

from pathlib import Path

import torch
from moshi.modules.conv import StreamingConv1d, StreamingConvTranspose1d
from moshi.modules.transformer import StreamingTransformer, create_norm_fn

from tools.reference.tensors import save, stacked

SEED = 3
CONVOLUTIONS = {
    # name: (in, out, kernel, stride, bias, padding of the first call)
    "conv_k1": (6, 4, 1, 1, True, "constant"),
    "conv_k3": (6, 4, 3, 1, True, "constant"),
    "conv_k7": (1, 8, 7, 1, True, "constant"),
    "conv_k8s4": (4, 6, 8, 4, True, "constant"),
    "conv_k10s5": (3, 5, 10, 5, True, "constant"),
    "conv_k4s2_replicate": (8, 8, 4, 2, False, "replicate"),
}
TRANSPOSED = {
    # name: (in, out, kernel, stride, groups, bias)
    "convtr_k8s4": (6, 4, 8, 4, 1, True),
    "convtr_k10s5": (5, 3, 10, 5, 1, True),
    "convtr_k4s2_depthwise": (8, 8, 4, 2, 8, False),
}
CODEC_TRANSFORMER = dict(
    d_model=16,
    num_heads=2,
    num_layers=2,
    dim_feedforward=32,
    causal=True,
    context=4,
    positional_embedding="rope",
    norm="layer_norm",
    gating="none",
    layer_scale=0.01,
    max_period=10000,
)
DIALOGUE_TRANSFORMER = dict(
    d_model=24,
    num_heads=2,
    num_layers=2,
    dim_feedforward=48,
    causal=True,
    context=4,
    positional_embedding="rope",
    norm="rms_norm_f32",
    gating="silu",
    layer_scale=None,
    max_period=100000,
)
NORMS = ("layer_norm", "layer_norm_f32", "rms_norm", "rms_norm_f32")


def _randomise(module: torch.nn.Module) -> None:
    """Weights of a size under which outputs stay near 1."""
    for name, value in module.named_parameters():
        value.copy_(torch.randn(value.shape) / (value[0].numel() ** 0.5 if value.dim() >= 2 else 3))
        if "norm" in name and not name.endswith("bias"):
            value.copy_(1 + 0.2 * torch.randn(value.shape))
        if "scale" in name:
            value.copy_(0.2 + 0.6 * torch.rand(value.shape))


def _stream(layer: torch.nn.Module, value: torch.Tensor, chunk: int, axis: int) -> torch.Tensor:
    """What a layer answers to a signal in pieces of `chunk` along an axis."""
    with layer.streaming(1):
        return torch.cat([layer(part) for part in value.split(chunk, axis)], axis)


def make(golden: Path) -> None:
    """Writes layers.safetensors."""
    torch.manual_seed(SEED)
    result: dict[str, torch.Tensor] = {}

    def note(name: str, layer: torch.nn.Module, value: torch.Tensor, answer: torch.Tensor) -> None:
        for key, weight in stacked(layer.state_dict()).items():
            short = key.removeprefix("conv.conv.").removeprefix("convtr.convtr.")
            result[f"{name}.{short}"] = weight
        result[f"{name}.input"] = value[0]
        result[f"{name}.output"] = answer[0]

    for name, (inputs, outputs, kernel, stride, bias, padding) in CONVOLUTIONS.items():
        layer = StreamingConv1d(inputs, outputs, kernel, stride, bias=bias, causal=True, pad_mode=padding)
        _randomise(layer)
        value = torch.randn(1, inputs, 12 * stride)
        note(name, layer, value, _stream(layer, value, 2 * stride, -1))
    for name, (inputs, outputs, kernel, stride, groups, bias) in TRANSPOSED.items():
        layer = StreamingConvTranspose1d(inputs, outputs, kernel, stride, groups=groups, bias=bias, causal=True)
        _randomise(layer)
        value = torch.randn(1, inputs, 12)
        note(name, layer, value, _stream(layer, value, 1, -1))
    # Two tokens a call, as in the codec: when the ring is full the first of the two sees one key less.
    for name, sizes, chunk in (
        ("codec_transformer", CODEC_TRANSFORMER, 2),
        ("dialogue_transformer", DIALOGUE_TRANSFORMER, 1),
    ):
        layer = StreamingTransformer(**sizes)
        _randomise(layer)
        value = torch.randn(1, 14, sizes["d_model"])
        note(name, layer, value, _stream(layer, value, chunk, 1))
    for kind in NORMS:
        layer = create_norm_fn(kind, 24)
        _randomise(layer)
        # Small values, so that the constant under the root is seen.
        value = torch.randn(1, 5, 24) * torch.tensor([1e-4, 1e-3, 1e-2, 1, 30])[None, :, None]
        note(kind, layer, value, layer(value))
    save(golden / "layers.safetensors", result)
