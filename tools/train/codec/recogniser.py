"""What a speech recogniser hears: Whisper-base's encoder, read from faster-whisper's file, as a loss."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tools.train.folders import TEACHERS

WINDOW, HOP, BINS = 600, 240, 201  # at 24 kHz: Whisper's 25 ms, 10 ms, and bins of 40 Hz up to 8 kHz
HEADS = 8


def tensors(path: str | Path) -> dict[str, Tensor]:
    """A CTranslate2 `model.bin` (version 6): {name: f32 tensor}, of what it holds in 16 bits."""
    found = {}
    with open(path, "rb") as file:

        def read(form: str) -> tuple[Any, ...]:
            return struct.unpack(form, file.read(struct.calcsize(form)))

        def text() -> str:
            return file.read(read("<H")[0])[:-1].decode()

        assert read("<I") == (6,), f"{path} is of another version of CTranslate2."
        text()
        _, count = read("<II")
        for _ in range(count):
            name = text()
            shape = read(f"<{read('<B')[0]}I")
            kind, size = read("<BI")
            data = file.read(size)
            if kind == 4:
                found[name] = torch.from_numpy(np.frombuffer(data, np.float16).astype(np.float32).reshape(shape))
    return found


class Encoder(nn.Module):
    """Whisper's encoder (Radford et al. 2022, section 2.2) at a fixed state: nothing in it learns."""

    def __init__(self, path: str | Path | None = None) -> None:
        super().__init__()
        from faster_whisper.feature_extractor import FeatureExtractor

        for name, tensor in tensors(path or TEACHERS / "whisper-base" / "model.bin").items():
            if name.startswith("encoder/"):
                self.register_buffer(name[len("encoder/") :].replace("/", "_").replace(".", "_"), tensor)
        self.layers = sum(name.endswith("self_attention_linear_0_weight") for name in self._buffers)
        self.register_buffer("mel", torch.from_numpy(FeatureExtractor().mel_filters.astype(np.float32)).T.contiguous())
        self.register_buffer("window", torch.hann_window(WINDOW))

    def spectrum(self, x: Tensor, loudest: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Samples at 24 kHz [batch, samples] -> log-mel [batch, 80, frames of 10 ms] as Whisper takes it, and the
        loudest value of each.

        Whisper's 400 samples at 16 kHz have the bins of 600 at 24 kHz, of two thirds their amplitude.
        """
        x = F.pad(x, (WINDOW // 2, WINDOW // 2), "reflect")
        power = torch.fft.rfft(x.unfold(-1, WINDOW, HOP) * self.window)[..., :BINS]
        power = (power.real**2 + power.imag**2) / 2.25
        log = torch.log10((power @ self.mel).clamp(min=1e-10))
        loudest = log.detach().amax((1, 2), keepdim=True) if loudest is None else loudest
        return ((torch.maximum(log, loudest - 8) + 4) / 4).transpose(1, 2), loudest

    def linear(self, x: Tensor, name: str) -> Tensor:
        """A linear layer by its name."""
        return F.linear(x, self._buffers[f"{name}_weight"], self._buffers[f"{name}_bias"])

    def norm(self, x: Tensor, name: str) -> Tensor:
        """A layer norm by its name."""
        return F.layer_norm(x, x.shape[-1:], self._buffers[f"{name}_gamma"], self._buffers[f"{name}_beta"])

    def forward(self, spectrum: Tensor, layers: int | None = None) -> list[Tensor]:
        """[batch, 80, frames] -> what each of the first `layers` gives, [batch, frames / 2, width]; the norm at the
        end is left out.
        """
        buffers = self._buffers
        x = F.gelu(F.conv1d(spectrum, buffers["conv1_weight"], buffers["conv1_bias"], padding=1))
        x = F.gelu(F.conv1d(x, buffers["conv2_weight"], buffers["conv2_bias"], stride=2, padding=1)).transpose(1, 2)
        x = x + buffers["position_encodings_encodings"][: x.shape[1]]
        given = []
        for number in range(layers or self.layers):
            name = f"layer_{number}_"
            h = self.linear(self.norm(x, f"{name}self_attention_layer_norm"), f"{name}self_attention_linear_0")
            q, k, v = (part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in h.chunk(3, -1))
            h = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
            x = x + self.linear(h, f"{name}self_attention_linear_1")
            h = self.linear(self.norm(x, f"{name}ffn_layer_norm"), f"{name}ffn_linear_0")
            x = x + self.linear(F.gelu(h), f"{name}ffn_linear_1")
            given.append(x)
        return given


class WordsLoss(nn.Module):
    """How far what the recogniser makes of one sound is from what it makes of another: a share of the variance, mean
    over the layers.
    """

    def __init__(self, layers: int = 4, half: bool = False) -> None:
        super().__init__()
        self.encoder, self.layers, self.half = Encoder(), layers, half

    def hear(self, x: Tensor, loudest: Tensor | None = None) -> tuple[list[Tensor], Tensor]:
        """What each of the first layers gives, and the loudest value of the spectrum."""
        spectrum, loudest = self.encoder.spectrum(x, loudest)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.half):
            return [layer.float() for layer in self.encoder(spectrum, self.layers)], loudest

    def forward(self, y: Tensor, x: Tensor) -> Tensor:
        """Samples at 24 kHz, [batch, samples] each."""
        with torch.no_grad():
            theirs, loudest = self.hear(x)
        mine, _ = self.hear(y, loudest)

        # A few of Whisper's dimensions are a hundred times the others: each counts by its own spread.
        def part(a: Tensor, b: Tensor) -> Tensor:
            return ((a - b).pow(2).mean((0, 1)) / (b.var((0, 1)) + 1e-4)).clamp(max=4).mean()

        return sum(map(part, mine, theirs)) / self.layers
