"""The spectral streaming codec: 24 kHz speech to 8 codes per 80 ms frame and back. docs/Codec.md has
its exact definition.

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


@dataclasses.dataclass
class Configuration:
    architecture: str = "spectral"
    sample_rate: int = 24000
    samples_per_frame: int = 1920
    hop: int = 240
    analysis_window: int = 960
    synthesis_window: int = 480
    mel_bands: int = 100
    low_bins: int = 64
    encoder_width: int = 192
    latent_width: int = 320
    decoder_width: int = 224
    encoder_blocks: int = 3
    encoder_middle_blocks: int = 2
    decoder_middle_blocks: int = 3
    decoder_blocks: int = 5
    block_kernel: int = 7
    expansion: int = 3
    strides: tuple = (4, 2)
    transformer_layers: int = 2
    heads: int = 5
    feed_forward: int = 960
    context: int = 16
    rope_theta: float = 10000
    codebooks: int = 8
    cardinality: int = 1024
    codebook_width: int = 32
    beam: int = 1
    delay: int = 240

    def __post_init__(self) -> None:
        assert self.hop * math.prod(self.strides) == self.samples_per_frame
        assert self.delay == self.synthesis_window - self.hop == self.hop


class Causal(nn.Module):
    """A convolution that sees no later step: left zero padding of kernel - stride."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, kernel, stride)
        self.left = kernel - stride

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.pad(x.transpose(1, 2), (self.left, 0))).transpose(1, 2)


class CausalDepthwise(nn.Module):
    """One filter per channel. A two-dimensional convolution of height 1: much faster than Conv1d on a CPU."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(width, width, kernel, groups=width)
        self.left = kernel - 1

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(x.transpose(1, 2), (self.left, 0)).unsqueeze(2)
        return F.conv2d(x, self.conv.weight.unsqueeze(2), self.conv.bias, groups=x.shape[1]).squeeze(2).transpose(1, 2)


class CausalTransposed(nn.Module):
    """Transposed convolution, kernel 2 * stride; the last `stride` outputs wait for the next step and are dropped."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.convtr = nn.ConvTranspose1d(inputs, outputs, 2 * stride, stride)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return self.convtr(x.transpose(1, 2))[..., : -self.stride].transpose(1, 2)


class Block(nn.Module):
    """ConvNeXt: depthwise convolution, norm, two linear layers, gain, residual."""

    def __init__(self, width: int, c: Configuration) -> None:
        super().__init__()
        self.depthwise = CausalDepthwise(width, c.block_kernel)
        self.norm = nn.LayerNorm(width, eps=1e-5)
        self.expand = nn.Linear(width, c.expansion * width)
        self.contract = nn.Linear(c.expansion * width, width)
        self.gain = nn.Parameter(torch.full((width,), 0.2))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.gain * self.contract(F.gelu(self.expand(self.norm(self.depthwise(x)))))


def rotate(x: Tensor, theta: float) -> Tensor:
    """RoPE on interleaved pairs, positions from 0: [batch, heads, steps, head width]."""
    half = torch.arange(0, x.shape[-1], 2, device=x.device, dtype=torch.float32)
    angle = torch.arange(x.shape[-2], device=x.device, dtype=torch.float32)[:, None] * theta ** (-half / x.shape[-1])
    even, odd = x[..., ::2], x[..., 1::2]
    return torch.stack([even * angle.cos() - odd * angle.sin(), even * angle.sin() + odd * angle.cos()], -1).flatten(-2)


class SelfAttention(nn.Module):
    def __init__(self, c: Configuration) -> None:
        super().__init__()
        self.in_proj_weight = nn.Parameter(torch.empty(3 * c.latent_width, c.latent_width))
        nn.init.xavier_uniform_(self.in_proj_weight)
        self.out_proj = nn.Linear(c.latent_width, c.latent_width, bias=False)
        self.heads, self.context, self.theta = c.heads, c.context, c.rope_theta

    def forward(self, x: Tensor) -> Tensor:
        batch, steps, width = x.shape
        q, k, v = (
            F.linear(x, self.in_proj_weight)
            .view(batch, steps, 3, self.heads, width // self.heads)
            .permute(2, 0, 3, 1, 4)
        )
        step = torch.arange(steps, device=x.device)
        age = step[:, None] - step[None]
        y = F.scaled_dot_product_attention(
            rotate(q, self.theta), rotate(k, self.theta), v, attn_mask=(age >= 0) & (age < self.context)
        )
        return self.out_proj(y.transpose(1, 2).reshape(batch, steps, width))


class LayerScale(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((width,), 0.1))


class TransformerLayer(nn.Module):
    def __init__(self, c: Configuration) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(c.latent_width, eps=1e-5)
        self.self_attn = SelfAttention(c)
        self.layer_scale_1 = LayerScale(c.latent_width)
        self.norm2 = nn.LayerNorm(c.latent_width, eps=1e-5)
        self.linear1 = nn.Linear(c.latent_width, c.feed_forward, bias=False)
        self.linear2 = nn.Linear(c.feed_forward, c.latent_width, bias=False)
        self.layer_scale_2 = LayerScale(c.latent_width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.layer_scale_1.scale * self.self_attn(self.norm1(x))
        return x + self.layer_scale_2.scale * self.linear2(F.gelu(self.linear1(self.norm2(x))))


class Transformer(nn.Module):
    def __init__(self, c: Configuration) -> None:
        super().__init__()
        self.transformer = nn.Module()
        self.transformer.layers = nn.ModuleList(TransformerLayer(c) for _ in range(c.transformer_layers))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.transformer.layers:
            x = layer(x)
        return x


class Codebook(nn.Module):
    """Entries [K, width], moved towards what they stand for (exponential means), never by a gradient."""

    def __init__(self, c: Configuration) -> None:
        super().__init__()
        self.register_buffer("embedding", torch.zeros(c.cardinality, c.codebook_width))
        self.register_buffer("usage", torch.ones(c.cardinality), persistent=True)
        self.register_buffer("total", torch.zeros(c.cardinality, c.codebook_width), persistent=True)
        self.register_buffer("fresh", torch.zeros(c.cardinality, c.codebook_width + 1), persistent=False)
        self.spare: Tensor | None = None

    def nearest(self, x: Tensor) -> Tensor:
        """argmin over entries of |e|^2 / 2 - x.e; the lowest index on ties."""
        return (self.embedding.pow(2).sum(1) / 2 - x @ self.embedding.t()).argmin(1)

    @torch.no_grad()
    def observe(self, x: Tensor, index: Tensor) -> None:
        """Remembers a batch's assignments for the next `update`."""
        self.fresh.zero_()
        self.fresh[:, :-1].index_add_(0, index, x)
        self.fresh[:, -1].index_add_(0, index, torch.ones_like(x[:, 0]))
        self.spare = x

    @torch.no_grad()
    def update(self, decay: float, restart: bool) -> int:
        """Moves the entries by the batch seen; with `restart`, dead entries become vectors of that batch.
        Returns how many.
        """
        self.usage.lerp_(self.fresh[:, -1], 1 - decay)
        self.total.lerp_(self.fresh[:, :-1], 1 - decay)
        self.embedding.copy_(self.total / self.usage.clamp(min=1e-5)[:, None])
        if not restart or self.spare is None:
            return 0
        dead = (self.usage < 0.03 * self.usage.mean()).nonzero()[:, 0]
        if len(dead):
            chosen = self.spare[torch.randint(len(self.spare), (len(dead),), device=dead.device)]
            weight = 0.3 * self.usage.mean()
            self.embedding[dead], self.total[dead], self.usage[dead] = chosen, chosen * weight, weight
        return len(dead)

    @torch.no_grad()
    def start(self, x: Tensor, rounds: int = 10) -> None:
        """k-means on [count, width]."""
        size = len(self.embedding)
        self.embedding.copy_(x[torch.randperm(len(x))[:size]])
        for _ in range(rounds):
            index = self.nearest(x)
            count = torch.bincount(index, minlength=size).float()
            mean = torch.zeros_like(self.embedding).index_add_(0, index, x) / count.clamp(min=1)[:, None]
            self.embedding.copy_(torch.where(count[:, None] > 0, mean, x[torch.randint(len(x), (size,))]))
        count = torch.bincount(self.nearest(x), minlength=size).float().clamp(min=0.5)
        self.usage.copy_(count * 200 / len(x))
        self.total.copy_(self.embedding * self.usage[:, None])


class Level(nn.Module):
    def __init__(self, c: Configuration) -> None:
        super().__init__()
        self._codebook = Codebook(c)


class Projection(nn.Module):
    """A 1x1 convolution without bias, stored as one."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 1) / inputs**0.5)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight[..., 0])


class ResidualQuantizer(nn.Module):
    def __init__(self, c: Configuration, levels: int) -> None:
        super().__init__()
        self.input_proj = Projection(c.latent_width, c.codebook_width)
        self.output_proj = Projection(c.codebook_width, c.latent_width)
        self.vq = nn.Module()
        self.vq.layers = nn.ModuleList(Level(c) for _ in range(levels))
        self.beam = c.beam

    @property
    def codebooks(self) -> list[Codebook]:
        return [level._codebook for level in self.vq.layers]

    @torch.no_grad()
    def search(self, x: Tensor, beam: int) -> tuple[Tensor, Tensor]:
        """Beam search, [n, width] -> codes [n, kept, levels] and what they leave over [n, kept, width], the nearest
        first: at each level the `beam` sums so far that are nearest to x are kept.
        """
        rest, codes = x[:, None], x.new_zeros(len(x), 1, 0, dtype=torch.long)
        for codebook in self.codebooks:
            entries = codebook.embedding
            near = rest @ entries.t() - entries.pow(2).sum(1) / 2 - rest.pow(2).sum(-1, keepdim=True) / 2
            best = near.flatten(1).topk(min(beam, near[0].numel()))[1]
            parent, code = best // len(entries), best % len(entries)
            rest = torch.take_along_dim(rest, parent[..., None], 1) - entries[code]
            codes = torch.cat([torch.take_along_dim(codes, parent[..., None], 1), code[..., None]], -1)
        return codes, rest

    def forward(self, z: Tensor, count: Tensor | None = None, observe: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        """[batch, steps, width] -> sum of chosen entries, codes [batch, steps, levels], distances per level.

        `count` [batch] keeps only that many levels of an item's sum.
        """
        batch, steps, width = z.shape
        flat = z.reshape(-1, width)
        done = torch.zeros_like(flat)
        kept = torch.zeros_like(flat)
        codes, distance = [], 0.0
        for number, (codebook, index) in enumerate(
            zip(self.codebooks, self.search(flat, self.beam)[0][:, 0].unbind(1))
        ):
            if observe:
                codebook.observe((flat - done).detach(), index)
            entry = codebook.embedding[index]
            distance = distance + (flat - done - entry).pow(2).mean()
            done = done + entry
            use = 1.0 if count is None else (count > number).to(z.dtype).repeat_interleave(steps)[:, None]
            kept = kept + use * entry
            codes.append(index)
        return kept.view_as(z), torch.stack(codes, -1).view(batch, steps, -1), distance

    def decode(self, codes: Tensor) -> Tensor:
        return sum(book.embedding[codes[..., number]] for number, book in enumerate(self.codebooks[: codes.shape[-1]]))


class SplitQuantizer(nn.Module):
    """Codebook 0 (semantic) beside codebooks 1... (acoustic), both from the same latent."""

    def __init__(self, c: Configuration) -> None:
        super().__init__()
        self.rvq_first = ResidualQuantizer(c, 1)
        self.rvq_rest = ResidualQuantizer(c, c.codebooks - 1)

    @property
    def codebooks(self) -> list[Codebook]:
        return self.rvq_first.codebooks + self.rvq_rest.codebooks

    def encode(self, latent: Tensor) -> Tensor:
        return torch.cat([part(part.input_proj(latent))[1] for part in (self.rvq_first, self.rvq_rest)], -1)

    def decode(self, codes: Tensor) -> Tensor:
        first = self.rvq_first.output_proj(self.rvq_first.decode(codes[..., :1]))
        if codes.shape[-1] == 1:
            return first
        return first + self.rvq_rest.output_proj(self.rvq_rest.decode(codes[..., 1:]))

    def forward(
        self, latent: Tensor, share: float = 1.0, dropout: float = 0.0, observe: bool = True
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Training: a `share` of the items is quantized, and of those a share of `dropout` uses fewer codebooks.

        Returns the decoder's latent, the semantic vector, and the distance to be made small.
        """
        batch = latent.shape[0]
        drop = torch.rand(batch, device=latent.device) < dropout
        count = torch.where(drop, torch.randint(0, len(self.codebooks), (batch,), device=latent.device), 99)
        keep = (torch.rand(batch, 1, 1, device=latent.device) < share).to(latent.dtype)
        first, rest = self.rvq_first, self.rvq_rest
        z = first.input_proj(latent)
        entry, _, far = first(z, None, observe)
        semantic = z + (entry - z).detach()
        z = rest.input_proj(latent)
        kept, _, farther = rest(z, count, observe)
        acoustic = z + keep * (kept - z).detach()
        # Codebook 0 learns from the recogniser alone. Were the decoder to teach it too, the encoder would put into it
        # what its 10 bits cannot hold, and the acoustic codebooks would never learn to carry that.
        mixed = first.output_proj(semantic.detach()) + rest.output_proj(acoustic)
        return mixed, semantic, far + farther


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
