"""Causal layers of the codec: convolutions, blocks of them, and attention.

Hidden states are [batch, steps, width].
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tools.train.codec.configuration import Configuration


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
    """Causal attention over the last `context` frames."""

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
    """A factor for each channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((width,), 0.1))


class TransformerLayer(nn.Module):
    """A layer as Mimi has it: attention and a feed-forward part, each scaled and added."""

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
    """Layers one after the other, under Mimi's names."""

    def __init__(self, c: Configuration) -> None:
        super().__init__()
        self.transformer = nn.Module()
        self.transformer.layers = nn.ModuleList(TransformerLayer(c) for _ in range(c.transformer_layers))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.transformer.layers:
            x = layer(x)
        return x
