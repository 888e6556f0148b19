"""The codec's quantizer: latents to codes and back, and how its codebooks learn."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tools.train.codec.configuration import Configuration


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
    """A codebook under Mimi's name."""

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
    """Codebooks one after the other, each of which quantizes what those before leave over."""

    def __init__(self, c: Configuration, levels: int) -> None:
        super().__init__()
        self.input_proj = Projection(c.latent_width, c.codebook_width)
        self.output_proj = Projection(c.codebook_width, c.latent_width)
        self.vq = nn.Module()
        self.vq.layers = nn.ModuleList(Level(c) for _ in range(levels))
        self.beam = c.beam

    @property
    def codebooks(self) -> list[Codebook]:
        """The codebooks in their order."""
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
        """Codes [..., levels] -> the sum of their entries [..., width]; levels at the end may be missing."""
        return sum(book.embedding[codes[..., number]] for number, book in enumerate(self.codebooks[: codes.shape[-1]]))


class SplitQuantizer(nn.Module):
    """Codebook 0 (semantic) beside codebooks 1... (acoustic), both from the same latent."""

    def __init__(self, c: Configuration) -> None:
        super().__init__()
        self.rvq_first = ResidualQuantizer(c, 1)
        self.rvq_rest = ResidualQuantizer(c, c.codebooks - 1)

    @property
    def codebooks(self) -> list[Codebook]:
        """All codebooks, the semantic one first."""
        return self.rvq_first.codebooks + self.rvq_rest.codebooks

    def encode(self, latent: Tensor) -> Tensor:
        """Latents [batch, frames, width] -> codes [batch, frames, codebooks]."""
        return torch.cat([part(part.input_proj(latent))[1] for part in (self.rvq_first, self.rvq_rest)], -1)

    def decode(self, codes: Tensor) -> Tensor:
        """Codes [batch, frames, codebooks] -> latents [batch, frames, width]; codebooks at the end may be missing."""
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
