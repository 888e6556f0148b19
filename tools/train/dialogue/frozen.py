"""A dialogue model that no longer learns, in plain tables: what a drafter learns from and what it shares."""

import torch
import torch.nn.functional as F
from torch import Tensor

from tools.train.dialogue.layers import Layer, rotate
from tools.train.dialogue.model import Dialogue


class Table:
    """Embeddings of the codes of several codebooks [books, entries + 1, width]."""

    def __init__(self, whole: Tensor) -> None:
        self.whole = whole.detach().clone()
        self.flat = self.whole.flatten(0, 1)
        self.first = torch.arange(len(whole)) * whole.shape[1]

    def total(self, codes: Tensor) -> Tensor:
        """Codes [..., books] -> the sum over books [..., width]."""
        places = (codes + self.first).view(-1, len(self.first))
        return F.embedding_bag(places, self.flat, mode="sum").view(*codes.shape[:-1], -1)

    def each(self, codes: Tensor) -> Tensor:
        """Codes [n, books] -> [n, books, width]."""
        return F.embedding(codes + self.first[: codes.shape[-1]], self.flat)


class Frozen:
    """A model's tables, heads and depth transformer; nothing here is learnt."""

    def __init__(self, model: Dialogue) -> None:
        self.model, self.c = model.eval().requires_grad_(False), model.c
        with torch.no_grad():
            self.text, self.depth_text = model.text_emb.table().clone(), model.depth_text_emb.table().clone()
            self.own, self.user, self.depth_codes = (Table(part()) for part in (model.own, model.user, model.depth_emb))
        self.schedule = list(self.c.schedule)
        self.enter = model.depth_in.detach().flatten(0, 1).contiguous()

    def column(self, text: Tensor, own: Tensor) -> Tensor:
        """The assistant's own part of a step's input: text [...] and codes [..., codebooks] -> [..., width]."""
        return F.embedding(text, self.text) + self.own.total(own)

    def text_logits(self, h: Tensor) -> Tensor:
        return F.linear(h, self.model.text_linear)

    def entered(self, h: Tensor) -> Tensor:
        """Hidden states [n, width] as each set of depth weights takes them [n, sets, depth width]."""
        return F.linear(h, self.enter).view(len(h), -1, self.c.depth_width)

    def code_logits(self, h: Tensor, text: Tensor, codes: Tensor) -> Tensor:
        """Hidden states [n, width], text [n], codes [n, codebooks] (teacher forced) -> [codebooks, n, entries]."""
        before = self.depth_codes.each(codes[:, :-1])
        x = self.entered(h)[:, self.schedule]
        x = x + torch.cat([F.embedding(text, self.depth_text)[:, None], before], 1)
        for layer in self.model.depth:
            x = layer(x, sets=self.schedule)
        return torch.bmm(x.transpose(0, 1), self.model.linears.transpose(1, 2))

    @torch.no_grad()
    def draw(self, h: Tensor, text: Tensor, keep: list[Tensor] | None = None) -> Tensor:
        """The likeliest codes [n, codebooks]; `keep` gets the logits of each."""
        entered, codes = self.entered(h), []
        caches: list[list[Tensor]] = [[] for _ in self.model.depth]
        x = F.embedding(text, self.depth_text)
        for book, chosen in enumerate(self.schedule):
            x = (entered[:, chosen] + x)[:, None]
            for layer, cache in zip(self.model.depth, caches):
                x = layer(x, sets=[chosen], cache=cache)
            logits = F.linear(x[:, 0], self.model.linears[book])
            if keep is not None:
                keep.append(logits)
            codes.append(logits.argmax(-1))
            if book + 1 < len(self.schedule):
                x = F.embedding(codes[-1], self.depth_codes.whole[book])
        return torch.stack(codes, 1)


class Window:
    """One layer over a stream of steps, with keys and values of the last `size` of them in a ring."""

    def __init__(self, layer: Layer, frequencies: Tensor, size: int, count: int) -> None:
        self.layer, self.frequencies, self.size = layer, frequencies, size
        width = 2 * len(frequencies)
        self.keys, self.values = (torch.zeros(count * layer.heads, size, width) for _ in range(2))

    def turned(self, x: Tensor, s: int) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value of step s, x [count, width]."""
        layer = self.layer
        q, k, v = F.linear(layer.norm1(x)[0], layer.attend[0]).view(len(x), 3, layer.heads, 1, -1).unbind(1)
        angle = s * self.frequencies[None]
        return rotate(q, angle).flatten(0, 1), rotate(k, angle).flatten(0, 1), v.flatten(0, 1)

    @torch.no_grad()
    def step(self, x: Tensor, s: int) -> Tensor:
        """Step s of each stream, x [count, width]."""
        layer, filled = self.layer, min(s + 1, self.size)
        q, k, v = self.turned(x, s)
        self.keys[:, s % self.size], self.values[:, s % self.size] = k[:, 0], v[:, 0]
        scores = torch.bmm(q, self.keys[:, :filled].transpose(1, 2)) * q.shape[-1] ** -0.5
        y = torch.bmm(scores.softmax(-1), self.values[:, :filled]).view(len(x), -1)
        x = x + F.linear(y, layer.output[0])
        gate, up = F.linear(layer.norm2(x)[0], layer.expand[0]).chunk(2, -1)
        return x + F.linear(F.silu(gate) * up, layer.contract[0])

    @torch.no_grad()
    def replace(self, x: Tensor, s: int, rows: Tensor) -> None:
        """What is remembered of step s, in some of the streams [count]."""
        _, k, v = self.turned(x, s)
        some = rows.repeat_interleave(self.layer.heads)
        self.keys[some, s % self.size], self.values[some, s % self.size] = k[some, 0], v[some, 0]


class Stream:
    """The temporal transformer over `count` conversations at once, a step at a time."""

    def __init__(self, frozen: Frozen, count: int, steps: int) -> None:
        model, c = frozen.model, frozen.c
        self.frozen, self.s = frozen, 0
        self.windows = [Window(layer, model.frequencies, min(c.context, steps), count) for layer in model.layers]

    @torch.no_grad()
    def step(self, column: Tensor, user: Tensor) -> Tensor:
        """What is its own of this step's input [count, width] and what the user says [count, codebooks] -> hidden
        states [count, width].
        """
        x = column + self.frozen.user.total(user)
        for window in self.windows:
            x = window.step(x, self.s)
        self.s += 1
        return self.frozen.model.out_norm(x)[0]


def heard_in_step(user: Tensor, s: int, initial: int) -> Tensor:
    """The user's codes [count, steps, codebooks] as step s hears them: codebook 0 of frame s, the others of the
    frame before.
    """
    heard = torch.full_like(user[:, 0], initial)
    if s > 0:
        heard[:, 0] = user[:, s, 0]
    if s > 1:
        heard[:, 1:] = user[:, s - 1, 1:]
    return heard
