"""The spectral streaming codec: 24 kHz speech to 8 codes per 80 ms frame and back; docs/Codec.md defines it exactly.

Signals are [batch, samples], features and hidden states [batch, steps, width]. Everything is causal: what comes out
for frame n depends on frames 0...n only, so a whole clip and a loop over frames agree.
"""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tools.common import tensor_files
from tools.train.codec.configuration import Configuration
from tools.train.codec.layers import Block, Causal, CausalTransposed, Transformer
from tools.train.codec.quantizer import SplitQuantizer


def mel_bank(window: int, bands: int, rate: float) -> Tensor:
    """Triangles on the mel scale (2595 log10(1 + f/700)), 0 Hz to rate/2, each summing to 1: [bins, bands]."""

    def mel(hertz: float) -> float:
        return 2595 * math.log10(1 + hertz / 700)

    edges = 700 * (10 ** (torch.linspace(0, mel(rate / 2), bands + 2, dtype=torch.float64) / 2595) - 1)
    hertz = torch.linspace(0, rate / 2, window // 2 + 1, dtype=torch.float64)
    rising = (hertz[None] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - hertz[None]) / (edges[2:] - edges[1:-1])[:, None]
    bank = torch.minimum(rising, falling).clamp(min=0)
    return (bank / bank.sum(1, keepdim=True).clamp(min=1e-8)).t().contiguous().float()


class Analysis(nn.Module):
    """Samples to features at 100 Hz: log-mel bands, and low bins of the STFT with their magnitude's square root."""

    def __init__(self, c: Configuration) -> None:
        super().__init__()
        self.c = c
        self.register_buffer("window", torch.hann_window(c.analysis_window, dtype=torch.float64).float())
        self.register_buffer("mel", mel_bank(c.analysis_window, c.mel_bands, c.sample_rate))

    def forward(self, x: Tensor) -> Tensor:
        c = self.c
        x = F.pad(x, (c.analysis_window - c.hop, 0))
        spectrum = torch.fft.rfft(x.unfold(-1, c.analysis_window, c.hop) * self.window)
        size = spectrum.abs()
        low = spectrum[..., : c.low_bins] / (size[..., : c.low_bins] + 1e-2).sqrt()
        return torch.cat([torch.log(size @ self.mel + 1e-3) / 2 + 1, low.real / 3, low.imag / 3], -1)


class Encoder(nn.Module):
    """Features at 100 Hz to latents at 12.5 Hz, before the transformer."""

    def __init__(self, c: Configuration) -> None:
        super().__init__()
        self.input = Causal(c.mel_bands + 2 * c.low_bins, c.encoder_width, 3)
        self.blocks = nn.Sequential(*(Block(c.encoder_width, c) for _ in range(c.encoder_blocks)))
        self.down = nn.ModuleList(
            [
                Causal(c.encoder_width, c.latent_width, 2 * c.strides[0], c.strides[0]),
                Causal(c.latent_width, c.latent_width, 2 * c.strides[1], c.strides[1]),
            ]
        )
        self.middle = nn.Sequential(*(Block(c.latent_width, c) for _ in range(c.encoder_middle_blocks)))

    def forward(self, features: Tensor) -> Tensor:
        return self.down[1](self.middle(self.down[0](self.blocks(self.input(features)))))


class Decoder(nn.Module):
    """The networks from latents at 12.5 Hz to hidden states at 100 Hz, and the two heads."""

    def __init__(self, c: Configuration) -> None:
        super().__init__()
        bins = c.synthesis_window // 2 + 1
        self.input = Causal(c.latent_width, c.latent_width, 3)
        self.up = nn.ModuleList(
            [
                CausalTransposed(c.latent_width, c.latent_width, c.strides[1]),
                CausalTransposed(c.latent_width, c.decoder_width, c.strides[0]),
            ]
        )
        self.middle = nn.Sequential(*(Block(c.latent_width, c) for _ in range(c.decoder_middle_blocks)))
        self.blocks = nn.Sequential(*(Block(c.decoder_width, c) for _ in range(c.decoder_blocks)))
        self.norm = nn.LayerNorm(c.decoder_width, eps=1e-5)
        self.magnitude = nn.Linear(c.decoder_width, bins)
        self.phase = nn.Linear(c.decoder_width, 2 * bins)
        nn.init.constant_(self.magnitude.bias, -2)


class Synthesis(nn.Module):
    """Log-magnitude and phase at 100 Hz to samples: windowed inverse STFT, overlap-add."""

    def __init__(self, c: Configuration) -> None:
        super().__init__()
        self.c = c
        place = torch.arange(c.synthesis_window, dtype=torch.float64)
        self.register_buffer("window", torch.sin(math.pi * (place + 0.5) / c.synthesis_window).float())

    def forward(self, log_magnitude: Tensor, phase: Tensor) -> Tensor:
        real, imaginary = phase.chunk(2, -1)
        size = torch.exp(log_magnitude.clamp(max=6)) * torch.rsqrt(real * real + imaginary * imaginary + 1e-6)
        frames = torch.fft.irfft(torch.complex(size * real, size * imaginary), n=self.c.synthesis_window) * self.window
        early, late = frames.split(self.c.hop, -1)
        return (early + F.pad(late, (0, 0, 1, 0))[:, :-1]).flatten(1)

    def target(self, x: Tensor) -> Tensor:
        """The log-magnitudes that the head should give for the signal x."""
        spectrum = torch.fft.rfft(
            F.pad(x, (self.c.hop, 0)).unfold(-1, self.c.synthesis_window, self.c.hop) * self.window
        )
        return torch.log(spectrum.abs() + 1e-2)


class Codec(nn.Module):
    """Samples to codes and back."""

    def __init__(self, configuration: Configuration | None = None) -> None:
        super().__init__()
        self.c = c = configuration or Configuration()
        self.analysis = Analysis(c)
        self.encoder = Encoder(c)
        self.encoder_transformer = Transformer(c)
        self.quantizer = SplitQuantizer(c)
        self.decoder = Decoder(c)
        self.decoder_transformer = Transformer(c)
        self.synthesis = Synthesis(c)
        self.half = False  # bf16 in the networks, for training; signals, quantizer and heads stay f32

    def precision(self, x: Tensor) -> torch.autocast:
        """Where the networks compute in bf16, if `half` says so."""
        return torch.autocast(x.device.type, torch.bfloat16, enabled=self.half)

    def latent(self, x: Tensor) -> Tensor:
        """[batch, 1920 * frames] -> [batch, frames, width] before the quantizer."""
        features = self.analysis(x)
        with self.precision(x):
            return self.encoder_transformer(self.encoder(features)).float()

    def synthesize(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Quantized latents -> samples [batch, 1920 * frames], `delay` samples late; and the log-magnitudes."""
        with self.precision(latent):
            h = self.decoder_transformer(self.decoder.input(latent))
            h = self.decoder.blocks(self.decoder.up[1](self.decoder.middle(self.decoder.up[0](h)))).float()
        h = self.decoder.norm(h)
        log_magnitude = self.decoder.magnitude(h)
        return self.synthesis(log_magnitude, self.decoder.phase(h)), log_magnitude

    @torch.no_grad()
    def encode(self, x: Tensor) -> Tensor:
        """[batch, 1920 * frames] -> codes [batch, frames, codebooks]."""
        return self.quantizer.encode(self.latent(x))

    @torch.no_grad()
    def decode(self, codes: Tensor) -> Tensor:
        """Codes [batch, frames, codebooks] -> samples [batch, 1920 * frames], `delay` samples late."""
        return self.synthesize(self.quantizer.decode(codes))[0]


TRAINING_ONLY = (".usage", ".total")


def save(codec: Codec, path: str | Path) -> None:
    """Writes what the runtime needs as safetensors: matrices in f16, codebooks and small vectors in f32.

    The header's `codec` entry is the configuration as JSON.
    """
    tensors = {}
    for name, tensor in sorted(codec.state_dict().items()):
        if name.endswith(TRAINING_ONLY):
            continue
        exact = tensor.dim() < 2 or "_codebook" in name or name.startswith(("analysis", "synthesis"))
        array = tensor.detach().cpu().contiguous().numpy().astype(np.float32 if exact else np.float16)
        tensors[name] = tensor_files.Tensor.of(array)
    tensor_files.write(path, tensors, {"codec": json.dumps(dataclasses.asdict(codec.c))})


def load(path: str | Path) -> Codec:
    """A codec from a safetensors file written by `save`, ready to run (f32)."""
    arrays, metadata = tensor_files.read(path)
    fields = json.loads(metadata["codec"])
    fields["strides"] = tuple(fields["strides"])
    codec = Codec(Configuration(**fields))
    state = codec.state_dict()
    for name, array in arrays.items():
        state[name] = torch.from_numpy(array.astype(np.float32))
        if name.endswith("_codebook.embedding"):
            state[name.replace("embedding", "total")] = state[name].clone()
    codec.load_state_dict(state)
    return codec.eval()


def codec_vectors(codec: Codec) -> Tensor:
    """What each code stands for: [codebooks, entries, width]."""
    return torch.stack([book.embedding for book in codec.quantizer.codebooks]).detach().clone()
