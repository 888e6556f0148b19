"""Layers of the dialogue model's transformers."""

import functools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RMSNorm(nn.Module):
    """Root-mean-square norm in f32."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(1, 1, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x.float()
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-8) * self.alpha


def rotate(x: Tensor, angles: Tensor) -> Tensor:
    """RoPE on interleaved pairs: x [batch, heads, steps, head width], angles [steps, head width / 2]."""
    even, odd = x[..., ::2], x[..., 1::2]
    cosine, sine = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    return torch.stack([even * cosine - odd * sine, even * sine + odd * cosine], -1).flatten(-2)


def attention(q: Tensor, k: Tensor, v: Tensor, context: int) -> Tensor:
    """Causal attention over the last `context` steps. On a CPU it is written out: for sequences this short the
    library's kernel takes three times as long there.
    """
    if q.is_cuda:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=hidden(q.shape[-2], context, q.device, q.dtype))
    scores = (q @ k.transpose(-1, -2)).float() * q.shape[-1] ** -0.5
    return (scores + hidden(q.shape[-2], context, q.device)).softmax(-1).to(v.dtype) @ v


@functools.lru_cache(maxsize=8)
def hidden(steps: int, context: int, device: torch.device, dtype: torch.dtype = torch.float32) -> Tensor:
    """What a step may not see [steps, steps]: minus infinity at the later ones, and `context` or more steps back."""
    everywhere = torch.full((steps, steps), float("-inf"), device=device, dtype=dtype)
    return everywhere.triu(1) + everywhere.tril(-context)


class Layer(nn.Module):
    """One layer with `sets` sets of weights (and one of norms): set w serves some of the depth steps."""

    def __init__(
        self, width: int, heads: int, hidden: int, sets: int = 1, dropout: float = 0.0, context: int = 10**6
    ) -> None:
        super().__init__()
        self.heads, self.dropout, self.context = heads, dropout, context
        self.norm1, self.norm2 = RMSNorm(width), RMSNorm(width)

        def draw(rows: int, columns: int, scale: float = 1.0) -> nn.Parameter:
            return nn.Parameter(torch.randn(sets, rows, columns) * scale / columns**0.5)

        self.attend, self.output = draw(3 * width, width), draw(width, width, 0.5)
        self.expand, self.contract = draw(2 * hidden, width), draw(width, hidden, 0.5)

    def forward(
        self,
        x: Tensor,
        angles: Tensor | None = None,
        sets: Sequence[int] | None = None,
        mask: Tensor | None = None,
        cache: list[Tensor] | None = None,
    ) -> Tensor:
        """x [batch, steps, width]; `sets` says which set serves each step; `cache` (keys, values) grows when given."""
        batch, steps, width = x.shape
        apply = (lambda y, w: F.linear(y, w[0])) if sets is None else (lambda y, w: by_set(y, w, sets))
        q, k, v = (
            apply(self.norm1(x), self.attend)
            .view(batch, steps, 3, self.heads, width // self.heads)
            .permute(2, 0, 3, 1, 4)
        )
        if angles is not None:
            q, k = rotate(q, angles), rotate(k, angles)
        if cache is not None:
            if cache:
                k, v = torch.cat([cache[0], k], 2), torch.cat([cache[1], v], 2)
            cache[:] = [k, v]
        y = (
            attention(q, k, v, self.context)
            if mask is None and steps > 1
            else F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        )
        y = apply(y.transpose(1, 2).reshape(batch, steps, width), self.output)
        x = x + F.dropout(y, self.dropout, self.training)
        gate, up = apply(self.norm2(x), self.expand).chunk(2, -1)
        return x + F.dropout(apply(F.silu(gate) * up, self.contract), self.dropout, self.training)


def by_set(x: Tensor, weight: Tensor, sets: Sequence[int]) -> Tensor:
    """Each step [batch, steps, in] through the weights of its set; steps of one set stand together."""
    parts, first = [], 0
    while first < len(sets):
        last = first
        while last < len(sets) and sets[last] == sets[first]:
            last += 1
        parts.append(F.linear(x[:, first:last], weight[sets[first]]))
        first = last
    return torch.cat(parts, 1)
